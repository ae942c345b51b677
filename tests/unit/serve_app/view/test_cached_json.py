from serve_app.view.cached_json import encoded


def test_cached_json_the_name_of_an_answer_is_of_its_bytes():
    assert encoded(b"a").etag == encoded(b"a").etag != encoded(b"b").etag
