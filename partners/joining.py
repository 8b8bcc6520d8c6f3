"""What joining, having members and leaving decline. Apart from `errors`, which the API's description lists."""

from __future__ import annotations

from takeitdown.errors import Refused


class ApplicationNotFound(Refused):
    """Unknown, swept and mistyped links look alike."""

    code = "application_not_found"
    status = 404
    default_detail = "This link opens no application. Unconfirmed ones are deleted after a week: you may apply again."


class ApplicationDecided(Refused):
    code = "application_decided"
    status = 409
    default_detail = "This application has been decided already, or its e-mail address is not confirmed."


class CodeTaken(Refused):
    code = "code_taken"
    status = 409
    default_detail = (
        "A platform with this code or this name exists already. Choose another code, or look at that platform."
    )


class CodeNotUsable(Refused):
    code = "code_not_usable"
    status = 400
    default_detail = "A code is up to 40 lower-case letters, digits and single hyphens; a group needs a name."


class NotReady(Refused):
    """`detail` says what is missing."""

    code = "not_ready"
    status = 409
    default_detail = "One of the steps before is still missing."


class WrongState(Refused):
    code = "wrong_state"
    status = 409
    default_detail = "The platform is not in a state in which this makes sense. Look at it again."


class PartnerHasLeft(Refused):
    code = "partner_has_left"
    status = 409
    default_detail = "This platform has left. Its people cannot be invited any more."


class InvitationNotOpen(Refused):
    """Used, withdrawn, old and unknown links look alike."""

    code = "invitation_not_open"
    status = 404
    default_detail = (
        "This link opens no invitation: it was used, taken back, or is older than a week. Ask for a new one."
    )


class TooManyInvitations(Refused):
    code = "too_many_invitations"
    status = 429
    default_detail = (
        "That is as many invitations as a platform may send in a day. Go on tomorrow, or write to our staff."
    )
    retry_after = 86_400


class AlreadyMember(Refused):
    code = "already_member"
    status = 409
    default_detail = "This person is a member already."


class OtherAccount(Refused):
    code = "other_account"
    status = 409
    default_detail = (
        "This e-mail address belongs to another account, and an account belongs to one platform. "
        "Ask to be invited with another address."
    )


class LastOwner(Refused):
    code = "last_owner"
    status = 409
    default_detail = "Somebody has to own the account. Make another member an owner first."


class MemberGone(Refused):
    code = "member_gone"
    status = 409
    default_detail = "This person is no longer a member."
