#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/registrar/binding.hpp"

namespace beckon::server::publication {

/// A device's name, shortened to 64 bits, as there is one with each publication: only a presentity's own few
/// devices are compared. The same in every process. 0: unknown.
using Device = std::uint64_t;

/// Never 0.
Device shorten(std::string_view name);
/// 16 lower-case hexadecimal digits.
std::string print_short(std::uint64_t number);

/// The device of a binding: its +sip.instance, else its contact.
Device device_of(const registrar::Binding& binding);

/// The connection, or the address, that a request came from.
std::uint64_t source_of(const transaction::Hop& from);

}  // namespace beckon::server::publication
