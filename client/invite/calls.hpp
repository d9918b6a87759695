#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/incoming/room.hpp"
#include "client/invite/call.hpp"

namespace beckon::client::invite {

/// The calls by INVITE of this device, both ways. It serves INVITE and what belongs to it, and carries the
/// calls of kind `invite` in the book. One thread.
class Calls final : public incoming::Room, private call::Carrier {
 public:
  Calls(account::Context& context, call::Book& book, Ports& ports, Options options);

  /// What later calls play and record unless their command says otherwise.
  void choose_files(stream::Files files) { files_ = std::move(files); }
  /// Calls `to`. `why_not_direct`: the call was to be a direct session, if possible. Errors: the system's,
  /// when no port can be had; those of a file to play.
  Result<call::Number> dial(const std::string& to, stream::Files files, const std::string& why_not_direct,
                            Now now) {
    return dial(Dialled{.to = to, .why_not_direct = why_not_direct, .target = {}, .claim = {}},
                std::move(files), now);
  }
  /// The same for the fallback of a direct attempt. Gives the leg.
  Result<call::Number> dial(Dialled dialled, stream::Files files, Now now);
  /// Asked about INVITEs with the header Direct-Session.
  void set_origin(OriginOf origin_of) { shared_.origin_of = std::move(origin_of); }

  // incoming::Room
  const incoming::Services& services() const override;
  void on_request(const incoming::Request& request, Now now) override;
  void on_ack(const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const sip::Message& response, Now now) override;
  void on_failure(transaction::TransactionId id, transaction::Failure why, Now now) override;

 private:
  /// At once, incoming ones that are not answered included: beyond, callers get 486.
  static constexpr std::size_t calls_max = 64;

  // call::Carrier
  bool answer(Key key, Now now) override;
  bool reject(Key key, Now now) override;
  void hang_up(Key key, Now now) override;
  void withdraw(Key key, Now now) override;
  void on_alone(Key key, Now now) override;
  bool hold(Key key, bool held, Now now) override;
  bool send_digits(Key key, std::string_view digits, Now now) override;
  std::optional<stream::CallStatistics> statistics(Key key) const override;

  std::shared_ptr<Call> find(Key key) const;
  std::shared_ptr<Call> find(std::string_view call_id, std::string_view local_tag) const;
  std::shared_ptr<Call> make();
  void end_fork(const sip::Message& success, Now now);

  Shared shared_;
  stream::Files files_;
  Key last_ = 0;
  std::map<Key, std::shared_ptr<Call>> calls_;
  std::vector<Key> over_;  ///< Destroyed when the call that ended them has returned.
  Timer sweep_;
  std::shared_ptr<const void> life_ = std::make_shared<char>();
};

}  // namespace beckon::client::invite
