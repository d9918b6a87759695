#include "server/admin/tables.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "protocol/base/printable.hpp"
#include "server/admin/error.hpp"

namespace beckon::server::admin {

namespace json = boost::json;

const char* to_string(Errc value) {
  switch (value) {
    case Errc::not_running:
      return "no server runs on this data folder";
    case Errc::cannot_listen:
      return "the admin socket cannot be opened";
    case Errc::bad_answer:
      return "the server's answer cannot be read";
  }
  return "unknown";
}

std::vector<Table> merge(std::vector<Table> tables) {
  std::vector<Table> merged;
  for (Table& table : tables) {
    const auto found = std::ranges::find(merged, table.name, &Table::name);
    if (found == merged.end()) {
      merged.push_back(std::move(table));
    } else {
      std::ranges::move(table.rows, std::back_inserter(found->rows));
    }
  }
  return merged;
}

std::vector<Table> rows_about(std::vector<Table> tables, std::string_view word) {
  for (Table& table : tables) {
    std::erase_if(table.rows, [&](const Row& row) {
      return std::ranges::none_of(
          row, [&](const auto& cell) { return cell.second.find(word) != std::string::npos; });
    });
  }
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  return tables;
}

std::string print_json(const std::vector<Table>& tables) {
  json::object all;
  for (const Table& table : tables) {
    json::array rows;
    for (const Row& row : table.rows) {
      json::object object;
      for (const auto& [name, value] : row) object.emplace(name, printable(value));
      rows.push_back(std::move(object));
    }
    all.emplace(table.name, std::move(rows));
  }
  return json::serialize(all);
}

Result<std::vector<Table>> parse_json(std::string_view text) {
  json::error_code error;
  const auto parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return Errc::bad_answer;
  std::vector<Table> tables;
  for (const auto& [name, rows] : parsed.as_object()) {
    if (!rows.is_array()) return Errc::bad_answer;
    Table& table = tables.emplace_back(Table{.name = name, .rows = {}});
    for (const auto& row : rows.as_array()) {
      if (!row.is_object()) return Errc::bad_answer;
      Row& cells = table.rows.emplace_back();
      for (const auto& [column, value] : row.as_object()) {
        cells.emplace_back(column,
                           value.is_string() ? std::string(value.as_string()) : json::serialize(value));
      }
    }
  }
  return tables;
}

namespace {

/// Octets of UTF-8 text that are not continuations: near enough to columns for names and URIs.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Columns are as wide as their widest cell, and no wider than that: a longer cell moves the rest of its own
/// line. What devices publish has no length, and would widen the lines of all others.
constexpr std::size_t width_max = 64;

std::string line_of(const std::vector<std::string_view>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    const std::size_t width = width_of(cells[i]);
    if (i + 1 < cells.size()) line.append(std::max(widths[i], width) - width + 2, ' ');
  }
  return line + '\n';
}

std::string print_table(const Table& table) {
  std::string text = table.name + " (" + std::to_string(table.rows.size()) + ")\n";
  if (table.rows.empty()) return text;
  std::vector<std::vector<std::string_view>> lines(table.rows.size() + 1);
  for (const auto& cell : table.rows.front()) lines.front().emplace_back(cell.first);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    for (const auto& cell : table.rows[i]) lines[i + 1].emplace_back(cell.second);
  }
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(width_of(line[i]), width_max));
    }
  }
  for (const auto& line : lines) text += "  " + line_of(line, widths);
  return text;
}

}  // namespace

std::string print_text(const std::vector<Table>& tables) {
  std::string text;
  for (const Table& table : tables) {
    if (!text.empty()) text += '\n';
    text += print_table(table);
  }
  return text;
}

}  // namespace beckon::server::admin
