"""The reporter's pages, below a language. Addresses are neutral words; no answer and no code is ever in one."""

from django.urls import path

from submissions import public_views, step_views, views

app_name = "submissions"
urlpatterns = [
    path("", public_views.home, name="home"),
    path("helping/", public_views.helping, name="helping"),
    path("quick/", step_views.quick, name="quick"),
    path("now/<slug:who>/", step_views.now, name="now"),
    path("now/<slug:who>/<int:card>/", step_views.card, name="card"),
    path("start/", step_views.start, name="start"),
    path("adults/", step_views.adults, name="adults"),
    path("have/<slug:answer>/", step_views.have, name="have"),
    path("link/<slug:answer>/", step_views.only_a_link, name="only_a_link"),
    path("other/<slug:answer>/", step_views.no_copy, name="no_copy"),
    path("made/<slug:answer>/", step_views.made_with_ai, name="made_with_ai"),
    path("pick/", step_views.to_start),
    path("pick/<slug:answer>/", step_views.pick, name="pick"),
    path("check/", public_views.check_yourself, name="check_yourself"),
    path("help/", public_views.help_page, name="help"),
    path("taking-part/", public_views.platforms, name="platforms"),
    path("leave/", public_views.leave, name="leave"),
    path("code/", views.unlock_case, name="unlock_case"),
    path("case/", views.show_case, name="case"),
    path("case/more/", step_views.pick_more, name="pick_more"),
    path("case/withdraw/", views.withdraw_all, name="withdraw_all"),
    path("case/withdraw/<int:ordinal>/", views.withdraw_file, name="withdraw_file"),
    path("case/messages/", views.show_messages, name="messages"),
    path("case/close/", views.close_case, name="close_case"),
]
