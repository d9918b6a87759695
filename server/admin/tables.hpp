#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/shard/services.hpp"

namespace beckon::server::admin {

/// Merges tables of the same name, one from each shard.
std::vector<Table> merge(std::vector<Table> tables);

/// Rows that name `word` in any column; tables left without rows are left out.
std::vector<Table> rows_about(std::vector<Table> tables, std::string_view word);

/// {"bindings": [{"aor": "...", ...}, ...], ...}
std::string print_json(const std::vector<Table>& tables);
/// Reads what `print_json` wrote; an error for any other text.
Result<std::vector<Table>> parse_json(std::string_view text);

/// For people: each table's name, then its columns aligned; an empty table says so.
std::string print_text(const std::vector<Table>& tables);

}  // namespace beckon::server::admin
