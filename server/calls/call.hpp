#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/dialoginfo.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/publication/device.hpp"

namespace beckon::server::calls {

/// The dialogs that one INVITE makes, as a proxy in their way sees them (RFC 4235 3.7.1). The caller's and
/// the callee's view of each are the same but for the side. Pure.
class Call {
 public:
  using State = documents::DialogState;
  using Event = documents::DialogEvent;

  /// A device of the callee that answered.
  struct Answerer {
    std::size_t branch = 0;
    publication::Device device = 0;  ///< 0: not one that registered.
    transaction::FlowId flow = 0;    ///< It lives on this connection; 0: on none.
    std::size_t callee = 0;          ///< Whose it is.
    std::string target{};            ///< URI of its Contact.
  };
  struct Dialog {
    std::string tag{};       ///< The callee's; empty: no device has answered with one.
    std::size_t callee = 0;  ///< Number of the user who is called: a redirection leads to others.
    State state = State::trying;
    std::optional<Event> event{};         ///< What ended it, as the caller sees it.
    std::optional<std::uint16_t> code{};  ///< Of the response that led to the state.
    Answerer answerer{};
    bool is_open() const { return state < State::confirmed; }
    bool is_over() const { return state == State::terminated; }
  };
  /// Numbers of the dialogs that changed.
  using Changes = std::vector<std::size_t>;

  /// `dialogs_max`: further ones are not seen. It begins with a dialog in the state trying.
  explicit Call(std::size_t dialogs_max) : max_(dialogs_max), dialogs_(1) {}

  /// A 1xx but 100, or a 2xx. The first To tag is that of the dialog that is tried; each further one makes a
  /// dialog of its own. One that is over stays so.
  Changes on_response(int status, std::string_view tag, const Answerer& from);
  /// A device of callee `from` has redirected the INVITE to the devices of callee `to`: what is tried for the
  /// one is over, and a dialog is tried for the other.
  Changes on_redirected(std::size_t from, std::size_t to, int status);
  /// The branch has no other final response; what is open of its dialogs ends with a refusal.
  Changes on_branch_end(std::size_t branch, int status);
  /// All branches have ended. With a refusal nothing stays open.
  Changes on_end(int status);
  /// No 2xx comes any more (RFC 3261 13.2.2.4).
  Changes on_over();
  /// Of the dialog with that tag of the callee.
  Changes on_bye(std::string_view tag, bool by_caller);
  /// Ends dialog `number`, if it is not over.
  Changes end(std::size_t number, std::optional<Event> why);
  /// Ends the dialogs that have been answered.
  Changes end_answered(Event why);

  const std::vector<Dialog>& dialogs() const { return dialogs_; }
  std::optional<std::size_t> find(std::string_view tag) const;
  bool is_answered() const;
  /// Are all dialogs over?
  bool is_over() const;

 private:
  std::optional<std::size_t> take(std::string_view tag, std::size_t callee);
  std::optional<std::size_t> find_tried(std::size_t callee) const;
  template <class Which>
  Changes end_open(int status, const Which& which);
  template <class Which>
  Changes end_all(Event why, const Which& which);

  std::size_t max_;
  std::vector<Dialog> dialogs_;
};

}  // namespace beckon::server::calls
