"""Coming in, going out, and choosing the post to act in."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.forms import LoginForm


@method_decorator(never_cache, name="dispatch")
class Login(LoginView):
    """An address and a password (decision 0006); who holds several posts chooses one next."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm

    def get_default_redirect_url(self) -> str:
        return reverse("accounts:posts") if len(posts.held(self.request)) > 1 else reverse("portal:home")


class Logout(LogoutView):
    """By a button only, never by a link."""


@require_http_methods(["GET", "POST"])
def choose(http: HttpRequest) -> HttpResponse:
    """The posts one holds today; choosing is a button at each."""
    if http.method == "POST":
        if posts.choose(http, http.POST.get("tenure", "")) is None:
            raise Http404
        return redirect("portal:home")
    return render(http, "accounts/posts.html", {"held": posts.held(http), "now": posts.current(http)})
