"""The type of a field that pydantic leaves as it is."""

from typing import Annotated, Any, TypeVar

from pydantic import GetPydanticSchema

T = TypeVar("T")

#: For readers a T, for pydantic and OpenAPI any JSON object. What another version stored may have more or fewer
#: fields than T: it must neither be refused nor lose any.
AsStored = Annotated[T, GetPydanticSchema(lambda _, handler: handler(dict[str, Any]))]
