"""Django's settings for the django-bolt peer: nothing but what it needs."""

SECRET_KEY = "benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bolt_urls"
INSTALLED_APPS = ["django_bolt"]
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
LOGGING_CONFIG = None

BOLT_API = ["bolt_api:api"]
BOLT_COMPRESSION = None
