"""Query parameters that a request gives several times. FastAPI would take the last and not say so."""

from collections import Counter

from fastapi import Request
from fastapi.dependencies.models import Dependant

from rfuav_ray.errors import InvalidInput


async def each_once(request: Request) -> None:
    """For all routes. What a route does not know it ignores.

    Raises:
        InvalidInput: One of the route's parameters is given several times.
    """
    given = Counter(name for name, _ in request.query_params.multi_items())
    route = request.scope["route"]
    dependant: Dependant = route.dependant
    for field in dependant.query_params:
        if given[field.alias] > 1:
            raise InvalidInput(field.alias, f"is given {given[field.alias]} times; give it once.")
