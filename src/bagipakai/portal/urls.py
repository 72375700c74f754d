"""Every address of the portal, by the room that answers it."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from bagipakai.portal.accounts import views as accounts
from bagipakai.portal.catalogue import views as catalogue
from bagipakai.portal.pages import views as pages
from bagipakai.portal.parts.gallery import parts

urlpatterns = [
    path("", include(([path("", pages.home, name="home"), path("istilah/", pages.terms, name="glossary")], "portal"))),
    path(
        "",
        include(
            (
                [
                    path("masuk/", accounts.Login.as_view(), name="login"),
                    path("keluar/", accounts.Logout.as_view(), name="logout"),
                    path("jabatan/", accounts.choose, name="posts"),
                ],
                "accounts",
            )
        ),
    ),
    path(
        "katalog/",
        include(
            (
                [path("", catalogue.listing, name="list"), path("<str:name>/", catalogue.variable, name="variable")],
                "catalogue",
            )
        ),
    ),
    path("bahasa/", login_not_required(set_language), name="language"),
    path("parts", parts),
]
