#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/registrar/binding.hpp"
#include "server/shard/services.hpp"

/// What other rooms say of the requests that the proxy forwards, and what they hear of them.
namespace beckon::server::proxy {

/// What a user wants done with a request.
struct Wish {
  enum class Kind : std::uint8_t {
    deliver,
    offline,  ///< As if no device were registered.
    refuse,   ///< With `status` and `reason`.
  };
  Kind kind = Kind::deliver;
  int status = 480;
  std::string_view reason{};  ///< A value of Reason (RFC 3326, RFC 6432), a literal; empty for none.
};

/// What is known of a request when its callee is asked, whatever its method. One that our token proves to be
/// in a dialog is not asked for; a To tag alone proves nothing.
struct Asked {
  std::string sender{};       ///< Canonical AOR, proven.
  bool is_anonymous = false;  ///< Its callee is not to learn that (RFC 3323).
  sip::Method method = sip::Method::other;
  std::string replaces{};  ///< Call-ID of the dialog that it says to take over (RFC 3891); empty for none.
};

Asked asked_of(const Request& request);

/// Who knows what users want.
class Wishes {
 public:
  virtual ~Wishes() = default;
  /// At the bucket of `callee`, a canonical AOR, once for each request and before it is forwarded.
  virtual Wish wish(const std::string& callee, const Asked& asked, Now now) = 0;
};

/// Hears of the calls that are forwarded. What belongs to one call comes in order and from one shard: that of
/// the bucket in its Record-Route. A request in a dialog is reported only where our token proves that it is:
/// the dialog's watchers know its tags, too.
class CallObserver {
 public:
  /// Where a response comes from.
  struct Branch {
    std::size_t number = 0;  ///< Of the target.
    /// Of the user whose device it is, who need not be the one that was called; empty for a place outside.
    std::string_view aor{};
    /// That the target was found by; without contact for none. Valid during the call.
    const registrar::Binding& binding;
  };

  virtual ~CallObserver() = default;
  /// An INVITE outside of dialogs is forwarded. `callee`: a user of ours; empty: another domain's.
  virtual void on_invite(const Request& invite, const std::string& callee, Now now) = 0;
  /// A response to an INVITE or UPDATE is passed on: 1xx but 100, or 2xx.
  virtual void on_response(const Request& request, const Branch& from, const sip::Message& response,
                           Now now) = 0;
  /// A device of `from` has redirected an INVITE outside of dialogs, and the proxy follows: it goes to the
  /// devices of `to`, too.
  virtual void on_redirected(const Request& invite, const std::string& from, const std::string& to,
                             Now now) = 0;
  /// A branch of an INVITE outside of dialogs has ended.
  virtual void on_branch_end(const Request& invite, std::size_t branch, int status, Now now) = 0;
  /// All branches of an INVITE or UPDATE have ended.
  virtual void on_end(const Request& request, int status, Now now) = 0;
  /// An INVITE outside of dialogs to users of ours has ended without an answer. `cancel_reason`: value of
  /// Reason in the caller's CANCEL (RFC 3326). Not for those who are refused by a wish of their callee.
  virtual void on_unanswered(const Request& invite, const std::vector<std::string>& callees, int status,
                             std::string_view cancel_reason, Now now) = 0;
  /// No further 2xx of that INVITE outside of dialogs is passed on; `on_invite` may not have been called.
  virtual void on_over(const Request& invite, Now now) = 0;
  /// A BYE is forwarded.
  virtual void on_bye(const Request& bye, Now now) = 0;
};

}  // namespace beckon::server::proxy
