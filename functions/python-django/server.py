"""python-django: Django over an SQLite database, in one file, with nothing of Catalyzer in it."""

import os
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DATABASE", "/tmp/django.db"),
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use outside a sandbox",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.contrib.auth.models import Group
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpResponse
from django.template import engines
from django.urls import path

page = engines["django"].from_string(
    "hello from Django {{ version }}, request {{ groups|length }}, newest group {{ groups.0.name }}\n"
)


def index(request):
    """Each request adds a row; the template walks over the newest ones."""
    Group.objects.create(name=f"visitors {Group.objects.count() + 1}")
    context = {"version": django.get_version(), "groups": Group.objects.order_by("-id")}
    return HttpResponse(page.render(context, request), content_type="text/plain")


urlpatterns = [path("", index)]


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    server = WSGIServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Quiet)
    server.set_app(WSGIHandler())
    server.serve_forever()
