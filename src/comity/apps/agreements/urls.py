"""URLs of the agreement."""

from django.urls import path

from comity.apps.agreements.views import (
    changes,
    drafting,
    early_start,
    first_text,
    outcomes,
    papers,
    remarks,
    signing,
    text,
)

urlpatterns = [
    path("agreement/", text.agreement, name="agreement"),
    path("agreement/measures/", text.measures, name="agreement_measures"),
    path("agreement/file/", papers.agreement_file, name="agreement_file"),
    path("agreement/limits/", text.limits, name="agreement_limits"),
    path("agreement/first/", first_text.first_text, name="first_text"),
    path("agreement/first/template/", first_text.begin_from_template, name="begin_from_template"),
    path("agreement/first/list/", first_text.begin_from_list, name="begin_from_list"),
    path("agreement/first/own/", first_text.begin_from_own, name="begin_from_own"),
    path("agreement/changes/<uuid:change>/template.toml", first_text.own_template, name="own_template"),
    path("agreement/first/list.xlsx", first_text.kpi_list_file, name="kpi_list_file"),
    path("agreement/changes/begin/", drafting.begin, name="begin_change"),
    path("agreement/changes/<uuid:change>/", changes.change, name="agreement_change"),
    path("agreement/changes/<uuid:change>/save/", drafting.save, name="save_change"),
    path("agreement/changes/<uuid:change>/share/", drafting.share, name="share_change"),
    path("agreement/changes/<uuid:change>/drop/", drafting.drop, name="drop_change"),
    path("agreement/changes/<uuid:change>/propose/", drafting.propose, name="propose_change"),
    path("agreement/changes/<uuid:change>/sign/", signing.sign, name="sign_change"),
    path("agreement/changes/<uuid:change>/waive/", changes.waive, name="waive_change"),
    path("agreement/changes/<uuid:change>/end/", changes.end, name="end_change"),
    path("agreement/changes/<uuid:change>/reason/", changes.mark_reason, name="mark_reason"),
    path("agreement/changes/<uuid:change>/first/", early_start.ask_first, name="ask_first"),
    path("agreement/changes/<uuid:change>/first/answer/", early_start.answer_first, name="answer_first"),
    path("agreement/changes/<uuid:change>/amounts/", outcomes.note_amounts, name="note_amounts"),
    path("agreement/changes/<uuid:change>/decided/", changes.say_decided, name="say_decided"),
    path("agreement/changes/<uuid:change>/benefit/", outcomes.say_benefit, name="say_benefit"),
    path("agreement/changes/<uuid:change>/remarks/", remarks.remark_change, name="remark_change"),
    path("agreement/changes/<uuid:change>/remarks/<uuid:remark>/take/", remarks.take_remark, name="take_remark"),
    path(
        "agreement/changes/<uuid:change>/remarks/<uuid:remark>/withdraw/",
        remarks.withdraw_remark,
        name="withdraw_remark",
    ),
    path("agreement/changes/<uuid:change>/elsewhere/", papers.sign_elsewhere, name="sign_elsewhere"),
    path("agreement/changes/<uuid:change>/elsewhere/file/", papers.take_out, name="take_out_change"),
    path("agreement/changes/<uuid:change>/evidence/", papers.evidence, name="change_evidence"),
    path("agreement/changes/<uuid:change>/files/<uuid:file>/", papers.signed_file, name="signed_file"),
]
