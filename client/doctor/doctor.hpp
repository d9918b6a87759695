#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Judges what the probes found between this machine and the account's server (README). Pure.
namespace beckon::client::doctor {

/// One address of the server, tried.
struct Server {
  enum class Trouble : std::uint8_t {
    none,
    refused,            ///< Nobody listens there.
    silent,             ///< No answer in time.
    no_tls,             ///< It accepts connections and no TLS.
    untrusted,          ///< No authority that we trust vouches for the certificate.
    wrong_name,         ///< The certificate is for another name.
    other_certificate,  ///< It is not the one of the invitation.
    other
  };
  std::string address{};  ///< "tls 192.0.2.1:5061"
  bool is_secure = false;
  Trouble trouble = Trouble::none;
  std::string reason{};  ///< For people.
};

/// The answer to OPTIONS.
struct Answer {
  int status = 0;
  std::string software{};               ///< "beckond/0.1.0"; may be empty.
  std::vector<std::string> methods{};   ///< Allow
  std::vector<std::string> packages{};  ///< Allow-Events
  std::vector<std::string> options{};   ///< Supported
  std::optional<std::chrono::sys_seconds> date{};
  std::chrono::sys_seconds came{};  ///< By our clock.
  std::string seen_from{};          ///< Our address as the server saw it; may be empty.
  std::string sent_from{};          ///< Our address as we know it.
};

struct Facts {
  std::string domain{};     ///< Or the host of --server.
  bool is_pinned = false;   ///< The certificate is known by its fingerprint.
  std::string not_found{};  ///< Why no server was located; empty: some were.
  std::vector<Server> servers{};
  std::optional<Answer> answer{};  ///< Of the first server that could be reached.
  std::string xcap{};              ///< The URL that was asked.
  int xcap_status = 0;             ///< 0: no answer.
  std::string xcap_reason{};
};

struct Finding {
  enum class Grade : std::uint8_t { good, warning, bad };
  Grade grade = Grade::good;
  std::string check{};   ///< "clock"
  std::string what{};    ///< What was found.
  std::string advice{};  ///< What to do; empty where nothing is to do.
  bool operator==(const Finding&) const = default;
};

/// In the order of the checks. One that makes the others meaningless is the last.
std::vector<Finding> judge(const Facts& facts);
bool is_well(const std::vector<Finding>& findings);  ///< Nothing is bad.
/// For people, a line for each, and below it what to do.
std::string print(const std::vector<Finding>& findings);
const char* to_string(Finding::Grade grade);

}  // namespace beckon::client::doctor
