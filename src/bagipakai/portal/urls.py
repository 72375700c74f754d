"""Every address of the portal, by the room that answers it."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from bagipakai.portal.accounts import views as accounts
from bagipakai.portal.acts import views as acts
from bagipakai.portal.catalogue import views as catalogue
from bagipakai.portal.downloads import views as downloads
from bagipakai.portal.examining import views as examining
from bagipakai.portal.matching import views as matching
from bagipakai.portal.pages import views as pages
from bagipakai.portal.parts.gallery import parts
from bagipakai.portal.passkeys import views as passkeys
from bagipakai.portal.readiness import keys
from bagipakai.portal.readiness import views as readiness
from bagipakai.portal.register import views as register
from bagipakai.portal.releases import views as releases
from bagipakai.portal.requests import views as requests
from bagipakai.portal.reviews import views as reviews
from bagipakai.portal.rosters import views as rosters
from bagipakai.portal.submissions import views as submissions
from bagipakai.portal.trail import views as trail


def room(name: str, prefix: str, *addresses: URLPattern) -> URLResolver:
    """The addresses of one room under one word; `reverse("name:…")` finds them."""
    return path(prefix, include((list(addresses), name)))


urlpatterns = [
    room("portal", "", path("", pages.home, name="home"), path("istilah/", pages.terms, name="glossary")),
    room(
        "accounts",
        "",
        path("masuk/", accounts.Login.as_view(), name="login"),
        path("keluar/", accounts.Logout.as_view(), name="logout"),
        path("jabatan/", accounts.choose, name="posts"),
    ),
    room(
        "register",
        "daftar/",
        path("", register.listing, name="list"),
        path("<str:reference>/", register.entry, name="entry"),
    ),
    room(
        "releases",
        "rilis/",
        path("", releases.listing, name="list"),
        path("<str:version>/", releases.show, name="show"),
    ),
    room(
        "matching",
        "mutu-pemadanan/",
        path("", matching.show, name="show"),
        path("<int:number>/", matching.show, name="earlier"),
        path("<int:number>/pernyataan/", matching.statement, name="statement"),
    ),
    room(
        "catalogue",
        "katalog/",
        path("", catalogue.listing, name="list"),
        path("<str:name>/", catalogue.variable, name="variable"),
    ),
    room(
        "requests",
        "permintaan/",
        path("", requests.listing, name="list"),
        path("baru/", requests.new, name="new"),
        path("<str:reference>/", requests.show, name="show"),
        path("<str:reference>/isi/<slug:code>/", requests.question, name="question"),
        path("<str:reference>/dokumen/", requests.papers, name="documents"),
        path("<str:reference>/dokumen/lepas/", requests.detach, name="detach"),
        path("<str:reference>/berkas/<slug:kind>/", requests.attachment, name="file"),
        path("<str:reference>/naskah/<slug:sha256>/", requests.paper, name="paper"),
        path("<str:reference>/klarifikasi/<slug:sha256>/", requests.clarification, name="clarification"),
        path("<str:reference>/periksa/", requests.check, name="check"),
        path("<str:reference>/pelaksanaan/", requests.under_way, name="under_way"),
        path("<str:reference>/terkirim/", requests.sent, name="sent"),
    ),
    room(
        "acts",
        "permintaan/",
        path("<str:reference>/terima/", acts.accept, name="accept"),
        path("<str:reference>/jawab/", acts.answer, name="answer"),
        path("<str:reference>/tindakan/<slug:action>/", acts.act, name="act"),
    ),
    room(
        "downloads",
        "permintaan/",
        path("<str:reference>/unduh/", downloads.show, name="show"),
        path("<str:reference>/tanda-terima/", downloads.receipt, name="receipt"),
        path("<str:reference>/unduh/segel", downloads.seal, name="seal"),
        path("<str:reference>/unduh/bukti/<str:name>", downloads.proof, name="proof"),
        path("<str:reference>/unduh/<str:part>", downloads.fetch, name="fetch"),
        path("<str:reference>/unduh/<str:part>/<str:token>", downloads.send, name="send"),
    ),
    room(
        "examining",
        "antrean/",
        path("", examining.queue, name="queue"),
        path("<str:reference>/", examining.show, name="show"),
        path("<str:reference>/ambil/", examining.claim, name="claim"),
    ),
    room(
        "readiness",
        "kesiapan/",
        path("", readiness.own, name="own"),
        path("baru/", readiness.new, name="new"),
        path("kunci/", keys.key, name="key"),
        path("kunci/<int:institution>/", keys.binding, name="binding"),
        path("tinjauan/", readiness.queue, name="queue"),
        path("<int:review>/", readiness.show, name="show"),
        path("<int:review>/ulangi/", readiness.again, name="again"),
        path("<int:review>/butir/<slug:code>/", readiness.item, name="item"),
        path("<int:review>/bukti/<slug:code>/<slug:sha256>/", readiness.file, name="file"),
        path("<int:review>/tindakan/<slug:action>/", readiness.act, name="act"),
    ),
    room(
        "submissions",
        "sumber/",
        path("", submissions.listing, name="list"),
        path("kunci/", submissions.key, name="key"),
        path("kontrak/<slug:source>/", submissions.contract, name="contract"),
        path("kontrak/<slug:source>/<slug:name>.csv", submissions.beginning, name="beginning"),
        path("kontrak/<slug:source>/kirim/", submissions.new, name="new"),
        path("<int:submission>/", submissions.show, name="show"),
        path("<int:submission>/berkas/", submissions.upload, name="upload"),
        path("<int:submission>/berkas/<int:file>/hapus/", submissions.remove, name="remove"),
        path("<int:submission>/unggah/", submissions.begin, name="begin"),
        path("<int:submission>/unggah/<int:file>/<int:number>/", submissions.piece, name="piece"),
        path("<int:submission>/kirim/", submissions.send, name="send"),
        path("<int:submission>/batal/", submissions.withdraw, name="withdraw"),
        path("<int:submission>/batal/terkirim/", submissions.cancel, name="cancel"),
        path("<int:submission>/tanda-masuk/", submissions.receipt, name="receipt"),
        path("<int:submission>/kembali/<str:part>", submissions.fetch, name="fetch"),
    ),
    room(
        "rosters",
        "pemadanan/",
        path("", rosters.listing, name="list"),
        path("baru/", rosters.new, name="new"),
        path("<str:reference>/", rosters.show, name="show"),
        path("<str:reference>/berkas/", rosters.upload, name="upload"),
        path("<str:reference>/berkas/<int:file>/hapus/", rosters.remove, name="remove"),
        path("<str:reference>/unggah/", rosters.begin, name="begin"),
        path("<str:reference>/unggah/<int:file>/<int:number>/", rosters.piece, name="piece"),
        path("<str:reference>/kirim/", rosters.send, name="send"),
        path("<str:reference>/kolom/", rosters.choose, name="choose"),
        path("<str:reference>/benar/", rosters.confirm, name="confirm"),
        path("<str:reference>/musnahkan/", rosters.destroy, name="destroy"),
    ),
    room(
        "reviews",
        "telaah/",
        path("", reviews.queue, name="queue"),
        path("<int:review>/ambil/", reviews.claim, name="claim"),
        path("lembar/<int:sheet>/", reviews.show, name="show"),
        path("lembar/<int:sheet>/buka/", reviews.unlock, name="unlock"),
        path("lembar/<int:sheet>/isi/<slug:order>", reviews.content, name="content"),
        path("lembar/<int:sheet>/jawab/", reviews.answer, name="answer"),
        path("lembar/<int:sheet>/kembalikan/", reviews.give_back, name="give_back"),
    ),
    room(
        "passkeys",
        "kunci/",
        path("", passkeys.mine, name="mine"),
        path("daftar/", passkeys.enrol, name="enrol"),
        path("rekan/", passkeys.colleagues, name="colleagues"),
        path("rekan/<int:person>/", passkeys.colleague, name="colleague"),
        path("tandatangan/<str:token>/", passkeys.sign, name="sign"),
    ),
    room(
        "trail",
        "jejak/",
        path("", trail.show, name="show"),
        path("verifier.py", trail.verifier, name="verifier"),
        path("checkpoint", trail.checkpoint, name="checkpoint"),
        path("policy", trail.policy, name="policy"),
        path("tile/<path:name>", trail.tile, name="tile"),
    ),
    path("bahasa/", login_not_required(set_language), name="language"),
    path("parts", parts),
]
