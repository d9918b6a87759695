#pragma once

namespace beckon::client::terminal {

/// How many columns a terminal gives a printed character: 0 for one that joins the character before it, 2 for
/// a wide one (CJK, emoji), else 1.
int columns_of(char32_t code);

}  // namespace beckon::client::terminal
