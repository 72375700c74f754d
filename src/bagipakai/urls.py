"""Every address of the portal stands in `portal/urls.py`."""

from django.urls import include, path

urlpatterns = [path("", include("bagipakai.portal.urls"))]
