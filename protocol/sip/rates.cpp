#include "protocol/sip/rates.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::sip {

namespace {

constexpr std::size_t whole_digits = 2, fraction_digits = 10;

std::uint64_t rate_parameter(std::string_view parameters, std::string_view name) {
  const auto text = find_parameter(parameters, name);
  return text ? parse_rate(*text).value_or(0) : 0;
}

}  // namespace

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto fraction = dot == std::string_view::npos ? std::string_view("0") : text.substr(dot + 1);
  if (!grammar::all_digits(whole) || whole.size() > whole_digits) return std::nullopt;
  if (!grammar::all_digits(fraction) || fraction.size() > fraction_digits) return std::nullopt;
  std::uint64_t rate = 0;
  for (const char digit : whole) rate = rate * 10 + static_cast<std::uint64_t>(digit - '0');
  for (std::size_t i = 0; i < fraction_digits; ++i)
    rate = rate * 10 + (i < fraction.size() ? static_cast<std::uint64_t>(fraction[i] - '0') : 0);
  if (rate == 0) return std::nullopt;
  return rate;
}

std::string print_rate(std::uint64_t rate) {
  std::string text = std::to_string(rate / Rates::per_second);
  std::string fraction = std::to_string(rate % Rates::per_second);
  fraction.insert(0, fraction_digits - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) text.append(".").append(fraction);
  return text;
}

Rates find_rates(std::string_view parameters) {
  return {rate_parameter(parameters, "max-rate"), rate_parameter(parameters, "min-rate"),
          rate_parameter(parameters, "adaptive-min-rate")};
}

std::string print(const Rates& rates) {
  std::string text;
  if (rates.max != 0) text += ";max-rate=" + print_rate(rates.max);
  if (rates.min != 0) text += ";min-rate=" + print_rate(rates.min);
  if (rates.adaptive_min != 0) text += ";adaptive-min-rate=" + print_rate(rates.adaptive_min);
  return text;
}

}  // namespace beckon::sip
