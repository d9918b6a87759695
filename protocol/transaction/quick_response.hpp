#pragma once

#include <optional>
#include <string_view>

namespace beckon::transaction {

/// What identifies the transaction of a response, read without indexing the message: views into its text.
struct QuickResponse {
  int status = 0;
  std::string_view branch;  ///< Of the top Via.
  std::string_view method;  ///< Of CSeq.
};

/// Reads a 2xx response without a body, written as most are: Via and CSeq each on one line, with their usual
/// names. It does not look at other headers. Empty for anything else, which is no error: then the message has
/// to be parsed.
std::optional<QuickResponse> quick_response(std::string_view text);

}  // namespace beckon::transaction
