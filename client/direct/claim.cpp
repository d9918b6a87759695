#include "client/direct/claim.hpp"

#include <algorithm>
#include <optional>

#include "protocol/base/text.hpp"

namespace beckon::client::direct {
namespace {

template <class Octets>
bool read(std::string_view text, Octets& out) {
  const auto octets = from_hex(to_lower(trim(text)));
  if (!octets || octets->size() != out.size()) return false;
  std::ranges::copy(*octets, out.begin());
  return true;
}

std::optional<Claim> parse_claim(std::string_view value) {
  Claim out;
  bool attempt = false, tag = false, epoch = false, proof = false;
  while (!value.empty()) {
    const auto [parameter, rest] = cut(value, ';');
    const auto [name, text] = cut(parameter, '=');
    const std::string word = to_lower(trim(name));
    if (word == "call") attempt = read(text, out.attempt);
    if (word == "tag") tag = read(text, out.tag);
    if (word == "epoch") epoch = read(text, out.epoch);
    if (word == "proof") proof = read(text, out.proof);
    value = rest;
  }
  if (!attempt || !tag || !epoch || !proof) return std::nullopt;
  return out;
}

}  // namespace

std::string print(const Claim& claim) {
  return "call=" + to_hex(claim.attempt) + ";tag=" + to_hex(claim.tag) + ";epoch=" + to_hex(claim.epoch) +
         ";proof=" + to_hex(claim.proof);
}

std::vector<Claim> parse_claims(std::string_view line) {
  std::vector<Claim> out;
  while (!line.empty() && out.size() < claim_values_max) {
    const auto [value, rest] = cut(line, ',');
    if (const auto claim = parse_claim(value)) out.push_back(*claim);
    line = rest;
  }
  return out;
}

}  // namespace beckon::client::direct
