#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/locate/dns.hpp"
#include "protocol/locate/query.hpp"

namespace beckon::locate {

/// One search for the server of a URI (RFC 3263 4): gives the questions for the DNS, takes the answers, ends
/// with the hops to try one after another. Pure; asks a bounded number of questions whatever the answers are.
class Search {
 public:
  /// Of one search: a domain with NAPTR, three transports and eight hosts needs 20.
  static constexpr std::size_t max_questions = 40;
  static constexpr std::size_t max_hosts = 8;    ///< Whose addresses are asked for.
  static constexpr std::size_t max_hops = 16;    ///< Of the result.
  static constexpr std::size_t max_aliases = 8;  ///< From one question to the next (CNAME).

  Search(Query query, Abilities abilities, Random& random);

  /// What to ask now; each question is given once, and all may be asked at the same time.
  std::vector<Question> take_questions() { return std::exchange(to_ask_, {}); }
  /// Answers to questions that are not open are ignored.
  void on_answer(const Question& question, const Answer& answer);
  /// No more answers will come: ends with what is known.
  void give_up();

  bool is_done() const { return stage_ == Stage::done; }
  /// Once it is done. At least one hop, the best first; or why there is none.
  const Result<std::vector<transaction::Hop>>& result() const { return result_; }

 private:
  enum class Stage { pointers, services, addresses, done };
  /// An SRV set.
  struct Service {
    transaction::Protocol protocol;
    std::string name;
    std::vector<Srv> records{};
    bool refused = false;  ///< Its only target is "." (RFC 2782).
  };
  struct Endpoint {
    transaction::Protocol protocol;
    std::string host;
    std::uint16_t port;
  };
  struct Host {
    std::string name;
    std::vector<IpAddress> v4{}, v6{};
  };
  /// A question that has no answer yet, and the one that was asked first, before aliases.
  struct Open {
    Question question;
    Question root;
    std::size_t aliases = 0;
  };

  void start();
  void ask(Question question, const Question& root, std::size_t aliases = 0);
  void take(const Question& root, const Answer& answer);
  void next_stage();
  void choose_services();
  void choose_pointed_services();
  void add_service(transaction::Protocol protocol, std::string name);
  void choose_endpoints();
  void ask_addresses();
  void finish();
  void end(Errc why);
  void end(const std::vector<IpAddress>& ips, transaction::Protocol protocol);
  bool may_use(transaction::Protocol protocol) const;
  std::optional<transaction::Protocol> standard_protocol() const;
  transaction::Hop hop_to(transaction::Protocol protocol, const IpAddress& ip, std::uint16_t port) const;

  Query query_;
  Abilities abilities_;
  Random& random_;
  Stage stage_ = Stage::pointers;
  std::vector<Question> to_ask_;
  std::vector<Open> open_;
  std::size_t asked_ = 0;
  bool any_answer_ = false;  ///< A name server has said something.
  std::vector<Naptr> pointers_;
  std::vector<Service> services_;
  bool is_pointed_ = false;  ///< They come from NAPTR records.
  std::vector<Endpoint> endpoints_;
  std::vector<Host> hosts_;
  Result<std::vector<transaction::Hop>> result_ = ErrorCode(Errc::no_answer);
};

/// The result of a search that needs no DNS: of an address, localhost, or what cannot be reached. Nullopt for
/// other names.
std::optional<Result<std::vector<transaction::Hop>>> find_without_dns(const Query& query,
                                                                      const Abilities& abilities);

}  // namespace beckon::locate
