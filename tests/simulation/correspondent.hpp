#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/station.hpp"

namespace beckon::simulation {

class Correspondent;

/// Who hears of what devices send and get.
class Postmaster {
 public:
  virtual ~Postmaster() = default;
  /// The last answer to a MESSAGE of that text; 408 also where the device has died meanwhile.
  virtual void answered(Correspondent& from, const std::string& text, int status) = 0;
  /// A MESSAGE that is no copy.
  virtual void received(Correspondent& at, const sip::Message& request) = 0;
};

/// A device that sends and takes pager-mode messages, one after the other as RFC 3428 8 has it: the next one
/// when it knows what became of the last, and the last anew when it does not. It keeps what it has over its
/// deaths, and answers 482 to a request that it has had (RFC 3261 8.2.2.2).
class Correspondent final : public Station {
 public:
  Correspondent(SipNetwork& network, const Address& server, Account account, Postmaster& postmaster);
  ~Correspondent() override;

  struct Letter {
    std::string to;
    std::string text;  ///< No two are the same.
    std::string type = "text/plain";
    std::string body{};     ///< Empty: the text.
    std::string headers{};  ///< Whole lines.
  };
  void write(Letter letter);
  /// Letters that have had no 2xx.
  std::size_t waiting() const { return letters_.size(); }
  /// How often that letter was sent, in requests of their own.
  std::uint64_t attempts(const std::string& text) const;
  /// When that letter was sent last; it has been.
  Time sent_at(const std::string& text) const { return attempts_.at(text).last; }
  /// Requests that it has had before.
  std::uint64_t copies() const { return copies_; }

 private:
  void send_next();
  void on_answered(int status);

  void on_start() override;
  void on_end() override;
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop&, const sip::Message&, Now) override {}
  void on_cancel(transaction::TransactionId, const sip::Message&, Now) override {}
  void on_response(const transaction::Hop&, const sip::Message&, Now) override {}

  Postmaster& postmaster_;
  std::deque<Letter> letters_;
  bool is_sending_ = false;
  struct Attempts {
    std::uint64_t count = 0;
    Time last{};
  };
  std::map<std::string, Attempts> attempts_;
  using RequestName = std::tuple<std::string, std::string, std::string>;  ///< Call-ID, CSeq, From-tag.
  std::set<RequestName> had_;
  std::uint64_t copies_ = 0;
};

}  // namespace beckon::simulation
