#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xcap/usage.hpp"

namespace beckon::xcap {

/// A document as it is kept.
struct Stored {
  std::string_view etag, text;
};

/// What a request makes of the document that it is about.
struct Effect {
  /// The answer, complete but for the entity-tag of a new text. A refusal where nothing changes and it is no
  /// 2xx.
  Response response;
  std::optional<std::string> text;  ///< The document's new text. It differs from what is kept.
  bool is_removed = false;          ///< The document goes.
};

/// Does what RFC 4825 8 says, all but authorisation. `document`: absent where there is none. `root`: of the
/// XCAP tree, for URIs in refusals.
Effect effect_of(const Usage& usage, const Target& target, const Request& request,
                 std::optional<Stored> document, const Setting& setting, std::string_view root);

/// The entity-tag of a document that the server makes: the same for the same text.
std::string etag_of(std::string_view text);

}  // namespace beckon::xcap
