"""No URLs of Django itself: all routes are in `bolt_api`."""

urlpatterns: list[object] = []
