"""URLs of the agreement."""

from django.urls import path

from comity.apps.agreements import paper_views, views

urlpatterns = [
    path("agreement/", views.agreement, name="agreement"),
    path("agreement/file/", paper_views.agreement_file, name="agreement_file"),
    path("agreement/limits/", views.limits, name="agreement_limits"),
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
    path("agreement/changes/<uuid:change>/elsewhere/", paper_views.sign_elsewhere, name="sign_elsewhere"),
    path("agreement/changes/<uuid:change>/elsewhere/file/", paper_views.take_out, name="take_out_change"),
    path("agreement/changes/<uuid:change>/evidence/", paper_views.evidence, name="change_evidence"),
    path("agreement/changes/<uuid:change>/files/<uuid:file>/", paper_views.signed_file, name="signed_file"),
]
