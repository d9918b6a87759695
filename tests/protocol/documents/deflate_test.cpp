#include "protocol/documents/deflate.hpp"

#include <doctest/doctest.h>

#include <string>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/imdn.hpp"

using namespace beckon;

namespace {

std::string octets(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
  return out;
}

Result<std::string> inflated(std::string_view hex, std::size_t octets_max = 4096) {
  return documents::inflate(octets(hex), octets_max);
}

// Made by zlib of Python 3.
constexpr std::string_view hello = "789ccb48cdc9c957c8402701680308b1";
constexpr std::string_view stored = "7801010500faff68656c6c6f062c0215";
constexpr std::string_view with_dictionary = "78bb062c0215cb001100062c0215";
constexpr std::string_view zeros = "789cedc13101000000c2a0f54f6d0a3fa00000000080b70113880001";
/// A disposition notification as linphone sends it.
constexpr std::string_view notification =
    "789c758ebd0e82301446779f8274afa584a8692e6563d0c50117b7865ee426b4185afc797b6190b8b89ef37dc981f2e5fae4"
    "8163a0c1174c6e5396a06f064bfe56b04b5df1032bf506c8599fcc531f0a368d5e11c656ddcd685c5033563ea865c234380c"
    "c1dc9093d51d8da76777acaa33881f0cd6448ce4506769b6e352f24cd669ae52a9f2fd15c4aac1624f73db9bfb21524b8d89"
    "73a586104d9cc2aad10a0de20bc59f9358faf40725dc5310";

}  // namespace

TEST_CASE("a body in the coding deflate is inflated (RFC 1950, RFC 1951)") {
  CHECK(inflated(hello).value() == "hello hello hello hello");
  CHECK(inflated(stored).value() == "hello");
  CHECK(inflated(zeros, 5000).value() == std::string(5000, '\0'));
  const auto text = inflated(notification);
  REQUIRE(text.has_value());
  const auto imdn = documents::parse_imdn(*text);
  REQUIRE(imdn.has_value());
  CHECK(imdn->message_id == "hirKwhJFFP");
  CHECK(imdn->status == documents::Imdn::Status::delivered);
}

TEST_CASE("a body that is cut, has a wrong sum or more behind it, or inflates to too much is refused") {
  const std::string whole = octets(notification);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(documents::inflate(whole.substr(0, size), 4096).has_value());
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string wrong = whole;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
    CHECK_FALSE(documents::inflate(wrong, 4096).has_value());
  }
  CHECK_FALSE(documents::inflate(whole + 'x', 4096).has_value());
  CHECK_FALSE(inflated(with_dictionary).has_value());
  CHECK_FALSE(inflated(zeros, 4999).has_value());
  CHECK_FALSE(inflated("").has_value());
  CHECK_FALSE(documents::inflate("plain text, and not deflated", 4096).has_value());
}
