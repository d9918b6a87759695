#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/message_archive.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::server::archive {

/// What a MESSAGE says, as far as an archive is concerned.
struct Content {
  bool is_text = false;
  std::string type{};  ///< Media type of the text, without parameters.
  std::string text{};
  bool is_cut = false;  ///< The text was longer, or has octets that are no UTF-8 and is left out.
  /// As both sides know it: the Message-ID of RFC 5438, else `documents::message_id`.
  std::string id{};
  /// How far a message has come, by its id.
  struct Disposition {
    std::string id{};
    documents::MessageState state{};
  };
  /// What it says as a disposition notification (RFC 5438), or as several in one.
  std::vector<Disposition> dispositions{};
};

/// Does a notification that calls its message `told` mean the one with that id? COMPAT: linphone calls a
/// message without Message-ID by its Call-ID.
bool is_named(std::string_view id, std::string_view told);

/// `octets_max`: what is kept of a text.
Content read_content(const sip::Message& message, std::size_t octets_max);

}  // namespace beckon::server::archive
