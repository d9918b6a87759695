#pragma once

#include <span>
#include <string_view>

#include "protocol/sip/message.hpp"

namespace beckon::event {

/// The first of `offered` that the request's Accept lines allow ("*/*" and "application/*" count); the
/// default (the first) without Accept; empty: answer 406 (RFC 6665 5.4.5).
std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered);

}  // namespace beckon::event
