"""Request bodies about accounts: v1's fields, and the change of one's own password."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from optria.core.roles import Role
from optria.web import bodies
from optria.web.texts import Text

NOT_IN_ADDRESSES = frozenset("<>()[],;:\\\"'")
"""Characters that an address may hold by RFC 5322 only where it would be read as something else."""


def mail_address(text: str) -> str:
    """An e-mail address as it is stored: in lower case, since nobody tells two people apart by case.

    Raises:
        ValueError: it is no address.
    """
    address = text.strip().lower()
    name, at, host = address.partition("@")
    odd = any(char.isspace() or not char.isprintable() or char in NOT_IN_ADDRESSES for char in address)
    has_domain = host == "localhost" or ("." in host and all(host.split(".")))
    if odd or not (name and at) or "@" in host or not has_domain:
        raise ValueError("an e-mail address such as name@example.com is needed")
    return address


def not_blank(text: str) -> str:
    """``text`` without blanks around it.

    Raises:
        ValueError: nothing else is in it.
    """
    stripped = text.strip()
    if not stripped:
        raise ValueError("at least one character that is no blank is needed")
    return stripped


Email = Annotated[
    Text, Field(max_length=255, json_schema_extra={"format": "email"}), AfterValidator(mail_address)
]
Name = Annotated[Text, Field(min_length=1, max_length=255), AfterValidator(not_blank)]
Username = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(not_blank)]
Password = Annotated[Text, Field(max_length=1_000)]


class UserCreate(bodies.Body):
    """v1's body; without a password one is made up and told once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "layla.haddad@example.com",
                    "username": "layla",
                    "full_name": "Layla Haddad",
                    "full_name_ar": "ليلى حداد",
                    "role": "engineer",
                }
            ]
        }
    )

    email: Email
    username: Username
    full_name: Name
    full_name_ar: bodies.Text255 | None = None
    role: Role
    password: Password | None = None


class UserUpdate(bodies.Body):
    """v1's body: only what is sent changes; a null name is cleared, a null role or state is refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "optimization_engineer"}]})

    full_name: Name | None = None
    full_name_ar: bodies.Text255 | None = None
    role: Role | None = None
    is_active: bool | None = None


class OwnNames(bodies.NewBody):
    """What one is called; only what is sent changes, and null clears the Arabic name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full_name": "Layla Haddad"}]})

    full_name: Name | None = None
    full_name_ar: bodies.Text255 | None = None


class PasswordReset(bodies.Body):
    """v1's body; without a password one is made up and told once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"new_password": "three pumps and a tank"}]})

    new_password: Password | None = None


class PasswordChange(bodies.NewBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"current_password": "three pumps and a tank", "new_password": "a tank without a pump"}
            ]
        },
    )

    current_password: Password
    new_password: Password
