#pragma once

#include <span>
#include <string_view>

#include "protocol/sip/message.hpp"

namespace beckon::event {

/// The one of `offered` that the request's Accept lines want most, by "q" of the closest range ("*/*" and
/// "application/*" count), the first of equals; the default (the first) without Accept; empty: answer 406
/// (RFC 6665 5.4.5). `by_name`, one of them, is the first of equals where Accept names it, and nothing
/// otherwise:
/// "*/*" does not mean it (RFC 5263 4.3).
std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered,
                                  std::string_view by_name = {});

}  // namespace beckon::event
