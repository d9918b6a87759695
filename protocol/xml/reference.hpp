#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/xml/error.hpp"

namespace beckon::xml {

/// What is wrong, if anything.
using Fault = std::optional<Errc>;

/// The character that "&name;" stands for.
Fault resolve_reference(std::string_view name, std::uint32_t& code);
/// Writes a character as UTF-8, at most four octets; returns the end.
char* put_utf8(char* to, std::uint32_t code);

}  // namespace beckon::xml
