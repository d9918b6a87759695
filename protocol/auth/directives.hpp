#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/auth/error.hpp"
#include "protocol/base/result.hpp"

namespace beckon::auth {

/// The name=value pairs after "Digest", in order; values without quotes and escapes.
class Directives {
 public:
  /// Errors: not_digest, bad_syntax. COMPAT: several blanks after "Digest" (liblinphone).
  static Result<Directives> parse(std::string_view value);
  /// The pairs alone, as in Authentication-Info. Errors: bad_syntax.
  static Result<Directives> parse_list(std::string_view text);

  const std::string* find(std::string_view name) const;  ///< Name in lower case.
  std::string take(std::string_view name) const;         ///< Empty when absent.
  bool is_true(std::string_view name) const;             ///< "true" in any case.
  bool has_all(std::initializer_list<std::string_view> names) const;

 private:
  struct Pair {
    std::string name;
    std::string value;
  };
  std::vector<Pair> pairs_;
};

/// Writes "Digest name=value, ..." with quotes where asked for.
class DirectiveWriter {
 public:
  explicit DirectiveWriter(std::string start) : text_(std::move(start)) {}
  DirectiveWriter& quoted(std::string_view name, std::string_view value);
  DirectiveWriter& quoted_unless_empty(std::string_view name, std::string_view value);
  DirectiveWriter& plain(std::string_view name, std::string_view value);
  std::string finish() && { return std::move(text_); }

 private:
  void separate();

  std::string text_;
  bool first_ = true;
};

}  // namespace beckon::auth
