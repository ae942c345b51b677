import pytest


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=2&offset=0&limit=2", "limit=x&limit=%C2%A07"])
def test_query_check_refuses_a_parameter_that_is_given_twice(client_of_all, query):
    answer = client_of_all.get(f"/api/v2/tasks?{query}")
    assert answer.status_code == 422
    assert "limit" in {problem["field"] for problem in answer.json()["errors"]}


def test_query_check_says_how_often_it_is_given(client_of_all):
    answer = client_of_all.get("/api/v2/tasks?limit=1&limit=2&limit=3")
    assert answer.json()["message"] == "limit: is given 3 times; give it once."


@pytest.mark.parametrize("query", ["", "limit=2&offset=1", "unknown=1&unknown=2"])
def test_query_check_lets_the_rest_in(client_of_all, query):
    assert client_of_all.get(f"/api/v2/tasks?{query}").status_code == 200
