"""Request bodies about tenants: v1's fields."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from optria.web import bodies
from optria.web.people.user_bodies import Email, Name, not_blank
from optria.web.texts import Text

TenantCode = Annotated[Text, Field(min_length=1, max_length=50), AfterValidator(not_blank)]
TenantStatus = Literal["active", "inactive", "suspended"]
"""Only an active tenant's people get in."""


class TenantNames(bodies.Body):
    """What a tenant is called."""

    code: TenantCode
    name: Name
    name_ar: bodies.Text255 | None = None
    industry: bodies.Text100 | None = None


class TenantCreate(TenantNames):
    """v1's body: the tenant and its first administrator."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "JUBAIL_PETRO",
                    "name": "Jubail Petrochemicals",
                    "name_ar": "الجبيل للبتروكيماويات",
                    "industry": "Petrochemicals",
                    "admin_email": "plant.admin@example.com",
                    "admin_name": "Rania Khalil",
                }
            ]
        }
    )

    admin_email: Email
    admin_name: Name


class TenantUpdate(bodies.Body):
    """v1's body: only what is sent changes; the status is a platform owner's to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Jubail Petrochemicals Company"}]})

    name: Name | None = None
    name_ar: bodies.Text255 | None = None
    industry: bodies.Text100 | None = None
    status: TenantStatus | None = None
