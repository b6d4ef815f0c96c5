"""URLs of the agreement."""

from django.urls import path

from comity.apps.agreements import (
    afterwards_views,
    amounts_views,
    carrying_out_views,
    decided_views,
    first_text_views,
    paper_views,
    remarks_views,
    views,
)

urlpatterns = [
    path("agreement/", views.agreement, name="agreement"),
    path("agreement/measures/", views.measures, name="agreement_measures"),
    path("agreement/file/", paper_views.agreement_file, name="agreement_file"),
    path("agreement/limits/", views.limits, name="agreement_limits"),
    path("agreement/first/", first_text_views.first_text, name="first_text"),
    path("agreement/first/template/", first_text_views.begin_from_template, name="begin_from_template"),
    path("agreement/first/list/", first_text_views.begin_from_list, name="begin_from_list"),
    path("agreement/first/own/", first_text_views.begin_from_own, name="begin_from_own"),
    path("agreement/changes/<uuid:change>/template.toml", first_text_views.own_template, name="own_template"),
    path("agreement/first/list.xlsx", first_text_views.kpi_list_file, name="kpi_list_file"),
    path("agreement/changes/begin/", views.begin, name="begin_change"),
    path("agreement/changes/<uuid:change>/", views.change, name="agreement_change"),
    path("agreement/changes/<uuid:change>/save/", views.save, name="save_change"),
    path("agreement/changes/<uuid:change>/share/", views.share, name="share_change"),
    path("agreement/changes/<uuid:change>/drop/", views.drop, name="drop_change"),
    path("agreement/changes/<uuid:change>/propose/", views.propose, name="propose_change"),
    path("agreement/changes/<uuid:change>/sign/", views.sign, name="sign_change"),
    path("agreement/changes/<uuid:change>/waive/", views.waive, name="waive_change"),
    path("agreement/changes/<uuid:change>/end/", views.end, name="end_change"),
    path("agreement/changes/<uuid:change>/reason/", views.mark_reason, name="mark_reason"),
    path("agreement/changes/<uuid:change>/first/", carrying_out_views.ask_first, name="ask_first"),
    path("agreement/changes/<uuid:change>/first/answer/", carrying_out_views.answer_first, name="answer_first"),
    path("agreement/changes/<uuid:change>/amounts/", amounts_views.note_amounts, name="note_amounts"),
    path("agreement/changes/<uuid:change>/decided/", decided_views.say_decided, name="say_decided"),
    path("agreement/changes/<uuid:change>/benefit/", afterwards_views.say_benefit, name="say_benefit"),
    path("agreement/changes/<uuid:change>/remarks/", remarks_views.remark_change, name="remark_change"),
    path("agreement/changes/<uuid:change>/remarks/<uuid:remark>/take/", remarks_views.take_remark, name="take_remark"),
    path(
        "agreement/changes/<uuid:change>/remarks/<uuid:remark>/withdraw/",
        remarks_views.withdraw_remark,
        name="withdraw_remark",
    ),
    path("agreement/changes/<uuid:change>/elsewhere/", paper_views.sign_elsewhere, name="sign_elsewhere"),
    path("agreement/changes/<uuid:change>/elsewhere/file/", paper_views.take_out, name="take_out_change"),
    path("agreement/changes/<uuid:change>/evidence/", paper_views.evidence, name="change_evidence"),
    path("agreement/changes/<uuid:change>/files/<uuid:file>/", paper_views.signed_file, name="signed_file"),
]
