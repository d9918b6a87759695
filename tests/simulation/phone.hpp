#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/dialog/dialog.hpp"
#include "protocol/transaction/layer.hpp"
#include "tests/simulation/call_log.hpp"
#include "tests/simulation/station.hpp"

namespace beckon::simulation {

class Phone;

/// What a phone does with a call that comes in.
struct Answering {
  std::optional<Duration> rings_after{};  ///< Says 180 then; absent: it says nothing.
  Duration decides_after{};
  int status = 0;           ///< 0: nobody answers.
  std::string elsewhere{};  ///< Contact of a 302.
};
/// What a phone does in a dialog, from its beginning on.
struct Talking {
  Duration hangs_up_after{};
  std::optional<Duration> reinvites_after{};
};
/// What a phone does with a call that it makes.
struct Calling {
  std::optional<Duration> cancels_after{};
  bool acknowledges = true;       ///< False: its ACKs of the INVITE are lost.
  bool follows = false;           ///< A redirection, once.
  bool hears_early_ends = false;  ///< Supported: 199.
};

/// Who holds the phones, and decides.
class PhoneHolder {
 public:
  virtual ~PhoneHolder() = default;
  virtual Answering answer(Phone& phone, const sip::Message& invite) = 0;
  virtual Talking talk(Phone& phone) = 0;
  virtual Calling call_again(Phone& phone) = 0;  ///< Of a call that follows a redirection.
  /// The last answer to a call of the phone; a 2xx may still follow.
  virtual void answered(Phone& /*phone*/, const std::string& /*call_id*/, int /*status*/) {}
};

/// A telephone that makes and takes calls.
class Phone final : public Station {
 public:
  /// A phone that nobody answers and nobody cancels gives up after that time.
  static constexpr Duration longest_ringing = 240s;

  Phone(SipNetwork& network, const Address& server, Account account, PhoneHolder& holder, CallLog& log);
  ~Phone() override;

  /// Gives the Call-ID.
  std::string call(const std::string& whom, const Calling& how);
  /// Whatever it rings with, calls and talks in.
  void hang_up_everything();

  bool is_idle() const { return rings_.empty() && dialled_open_ == 0 && open_talks() == 0; }
  std::size_t open_talks() const;
  std::uint64_t talks_begun() const { return talks_begun_; }

 private:
  /// A call that came in and has had no final answer.
  struct Ring {
    sip::Message invite;
    std::string tag;
    transaction::Hop from;
  };
  /// A call that it made.
  struct Dialled {
    transaction::TransactionId id = 0;
    std::string tag;
    Calling how;
    bool is_open = true;  ///< No final answer yet.
    bool is_cancelled = false;
    bool is_answered = false;
  };
  /// A dialog, from the 2xx on; kept when it is over, as copies come.
  struct Talk {
    dialog::Dialog dialog;
    bool acknowledges = true;
    bool is_over = false;
    bool is_inviting = false;                      ///< A re-INVITE of its own is under way.
    std::map<std::uint32_t, std::string> acks{};   ///< Its own, by CSeq of the INVITE.
    std::map<std::uint32_t, bool> acknowledged{};  ///< Of INVITEs it took, by CSeq.
    bool has_begun = false;                        ///< The holder was asked.
  };

  void on_dialled(const std::string& call_id, const transaction::Outcome& outcome);
  void take_2xx(const sip::Message& response);
  void cancel(Dialled& dialled);
  void acknowledge(Talk& talk, std::uint32_t cseq);

  void on_invite(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& invite);
  void on_reinvite(transaction::TransactionId id, const sip::Message& invite);
  void decide(transaction::TransactionId id, int status, const std::string& elsewhere = {});
  void answer_call(transaction::TransactionId id, const Ring& ring, int status,
                   const std::string& its_contact);
  /// A 2xx to INVITE, until its ACK (RFC 3261 13.3.1.4).
  void repeat_2xx(transaction::TransactionId id, const dialog::Id& in, std::uint32_t cseq, std::string text,
                  Time end, Duration pause);

  Talk* find(const dialog::Id& id);
  void begin(Talk& talk);
  void hang_up(const dialog::Id& id);
  void reinvite(const dialog::Id& id);

  // Station
  void on_end() override;
  void on_cut(transaction::FlowId flow) override;
  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const transaction::Hop& from, const sip::Message& response, Now now) override;

  PhoneHolder& holder_;
  CallLog& log_;
  std::map<transaction::TransactionId, Ring> rings_;
  std::map<std::string, Dialled> dialled_;  ///< By Call-ID.
  std::size_t dialled_open_ = 0;
  std::map<dialog::Id, Talk> talks_;
  std::uint64_t talks_begun_ = 0;
};

}  // namespace beckon::simulation
