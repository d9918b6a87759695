#pragma once

#include <string>
#include <string_view>

namespace beckon::trace {

/// The text with "***" for everything secret in it: what answers a challenge (`response`, `cnonce`,
/// `rspauth`, `auts`; RFC 7616 3.4) and credentials of other schemes (RFC 7617, 6750), secrets of direct
/// sessions (content and attributes of `secret`, `ticket`, `psk`, `grant` with any prefix, in any case, and
/// in XML that is escaped; attributes of these names; `proof` of Direct-Session), keys in SDP (`inline:` of
/// RFC 4568, `k=`, `a=key-mgmt`, `a=ice-pwd`), passwords in URIs and parameters named so.
///
/// It reads no grammar, so that broken and cut messages are masked too; rather than miss a secret it hides
/// what only looks like one: all after the name of a secret element whose start tag is broken, and all to
/// the end of the text where its end tag is missing. Lengths change: Content-Length no longer fits. Linear in
/// the size of the text.
std::string mask(std::string_view text);

/// The text with "***" for what people write to each other: the body and Subject of a MESSAGE, and bodies
/// that hold such messages elsewhere (message/cpim, archives of messages). `is_broken`: the text is no
/// SIP message, and everything after its first empty line is hidden.
std::string mask_writing(std::string_view text, bool is_broken);

/// `mask` for secrets of direct sessions in XML alone: cheap enough to be done while messages pass.
std::string mask_direct_secrets(std::string_view text);

/// Can a body with secrets of direct sessions be in there? Cheap; false is certain for every text whose end
/// closes an XML document or a multipart body, as all that a presence agent takes in do.
bool may_hold_direct_secrets(std::string_view text);

}  // namespace beckon::trace
