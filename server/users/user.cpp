#include "server/users/user.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::users {

namespace json = boost::json;
using crypto::Hash;

namespace {

constexpr std::string_view scheme = "sip:";
constexpr std::size_t salt_size = 16;

/// Letters that stand in a user or host part without escape and without meaning to a URI parser.
bool is_plain(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("-_.!~*'()&=+$,;?/%").find(c) != std::string_view::npos;
}

bool is_host_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
}

bool is_password(std::string_view text) {
  return !text.empty() && text.size() <= password_max && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Ha1 make_ha1(std::string_view name, std::string_view realm, std::string_view password) {
  const std::string text = std::string(name) + ':' + std::string(realm) + ':' + std::string(password);
  const auto hex = [&](Hash algorithm) { return to_hex(crypto::hash(algorithm, as_bytes(text))); };
  return {hex(Hash::md5), hex(Hash::sha256), hex(Hash::sha512_256)};
}

ScramKey make_scram(Hash algorithm, std::size_t size, std::string_view password, Random& random) {
  ScramKey key{.salt = random.bytes(salt_size), .iterations = scram_iterations};
  const Bytes salted = crypto::pbkdf2(algorithm, password, key.salt, scram_iterations, size);
  key.stored_key = crypto::hash(algorithm, crypto::hmac(algorithm, salted, as_bytes("Client Key")));
  key.server_key = crypto::hmac(algorithm, salted, as_bytes("Server Key"));
  return key;
}

json::object to_json(const Ha1& ha1) {
  return {{"md5", ha1.md5}, {"sha256", ha1.sha256}, {"sha512_256", ha1.sha512_256}};
}

json::object to_json(const ScramKey& key) {
  return {{"salt", to_base64(key.salt)},
          {"iterations", key.iterations},
          {"stored_key", to_base64(key.stored_key)},
          {"server_key", to_base64(key.server_key)}};
}

std::string text_of(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

Ha1 read_ha1(const json::object& object) {
  return {text_of(object, "md5"), text_of(object, "sha256"), text_of(object, "sha512_256")};
}

ScramKey read_scram(const json::object& object) {
  const auto octets = [&](std::string_view name) { return from_base64(text_of(object, name)).value(); };
  return {octets("salt"), object.at("iterations").to_number<unsigned>(), octets("stored_key"),
          octets("server_key")};
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_aor:
      return "not an address like alice@example.org";
    case Errc::bad_password:
      return "the password is empty, too long or holds control characters";
    case Errc::bad_line:
      return "not a line like: alice@example.org password";
    case Errc::bad_record:
      return "the stored user is damaged";
  }
  return "unknown";
}

std::string_view User::name() const { return cut(std::string_view(aor).substr(scheme.size()), '@').first; }
std::string_view User::domain() const { return domain_of_aor(aor); }

Result<std::string> canonical_aor(std::string_view text) {
  if (text.size() >= scheme.size() && iequals(text.substr(0, scheme.size()), scheme))
    text.remove_prefix(scheme.size());
  const auto [name, domain] = cut(text, '@');
  // The digest realm names an IPv6 domain without the brackets of its URIs.
  const bool is_bare = domain.find(':') != domain.npos && domain.front() != '[';
  const bool good = !name.empty() && !domain.empty() && text.size() <= aor_max &&
                    std::all_of(name.begin(), name.end(), is_plain) &&
                    std::all_of(domain.begin(), domain.end(), is_host_char);
  if (!good) return Errc::bad_aor;
  const std::string host = to_lower(domain);
  return std::string(scheme) + std::string(name) + '@' + (is_bare ? '[' + host + ']' : host);
}

std::array<std::string, 6> name_hashes(std::string_view aor) {
  const auto full = aor.substr(scheme.size());
  const auto name = cut(full, '@').first;
  std::array<std::string, 6> out;
  std::size_t at = 0;
  for (const auto spelling : {name, full}) {
    const std::string text = std::string(spelling) + ':' + std::string(domain_of_aor(aor));
    for (const Hash algorithm : {Hash::md5, Hash::sha256, Hash::sha512_256})
      out[at++] = to_hex(crypto::hash(algorithm, as_bytes(text)));
  }
  return out;
}

Result<User> make_user(std::string_view aor, std::string_view password, Random& random) {
  auto canonical = canonical_aor(aor);
  if (!canonical) return canonical.error();
  if (!is_password(password)) return Errc::bad_password;
  User user{.aor = *canonical};
  const std::string_view full = std::string_view(user.aor).substr(scheme.size());
  user.ha1_short = make_ha1(user.name(), user.domain(), password);
  user.ha1_long = make_ha1(full, user.domain(), password);
  user.scram_sha1 = make_scram(Hash::sha1, 20, password, random);
  user.scram_sha256 = make_scram(Hash::sha256, 32, password, random);
  return user;
}

Result<std::optional<ImportLine>> parse_import_line(std::string_view line) {
  const std::string_view text = trim(line);
  if (text.empty() || text.front() == '#') return std::optional<ImportLine>();
  const auto gap = text.find_first_of(" \t");
  if (gap == std::string_view::npos) return Errc::bad_line;
  auto aor = canonical_aor(text.substr(0, gap));
  if (!aor) return aor.error();
  const std::string_view password = trim(text.substr(gap));
  if (!is_password(password)) return Errc::bad_password;
  return std::optional(ImportLine{*aor, std::string(password)});
}

std::string print(const User& user) {
  const json::object object{{"aor", user.aor},
                            {"enabled", user.enabled},
                            {"ha1_short", to_json(user.ha1_short)},
                            {"ha1_long", to_json(user.ha1_long)},
                            {"scram_sha1", to_json(user.scram_sha1)},
                            {"scram_sha256", to_json(user.scram_sha256)}};
  return json::serialize(object);
}

Result<User> parse_user(std::string_view text) try {
  const json::value value = json::parse({text.data(), text.size()});
  const json::object& object = value.as_object();
  return User{.aor = text_of(object, "aor"),
              .enabled = object.at("enabled").as_bool(),
              .ha1_short = read_ha1(object.at("ha1_short").as_object()),
              .ha1_long = read_ha1(object.at("ha1_long").as_object()),
              .scram_sha1 = read_scram(object.at("scram_sha1").as_object()),
              .scram_sha256 = read_scram(object.at("scram_sha256").as_object())};
} catch (const std::exception&) {
  return Errc::bad_record;
}

}  // namespace beckon::users
