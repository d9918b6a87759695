#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/dialoginfo.hpp"
#include "server/calls/lines.hpp"
#include "server/packages/dialog_items.hpp"
#include "server/presence/hooks.hpp"
#include "server/presence/presentities.hpp"
#include "server/presence/watch.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "dialog" (RFC 4235): the calls of a user, as the user's devices publish them and as our
/// proxy sees them. The first document is full, later ones carry the dialogs that changed. A full one says
/// whether any device of the user is registered. The presence rules decide who may watch. The user, and those
/// whom the configuration names, see everything; others see that there are dialogs, and in which states (RFC
/// 4235 3.6). A user with a confirmed dialog is on the phone, and presence shows it.
class Dialog final : public subscription::Package,
                     private publication::Package,
                     private presence::Sink,
                     private presence::Watches::Observer,
                     private presence::Calls,
                     private calls::Lines::Observer,
                     private registrar::BindingsObserver {
 public:
  struct Parts {
    presence::Presentities& presentities;
    publication::Publications& publications;
    registrar::Registrar& registrar;
    calls::Lines& lines;
  };
  /// Adds itself to all of them, which outlive it.
  Dialog(Environment& environment, const Parts& parts);

  // subscription::Package and publication::Package
  std::string_view name() const override { return "dialog"; }

  // subscription::Package
  std::span<const std::string_view> body_types() const override;
  bool has_entities() const override { return true; }
  /// RFC 4235 3.10: not more than one document in a second.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(1)}; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  int read(const sip::Message& subscribe, std::string_view parameters, Interest& interest) const override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void refreshed(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  void confirmed(subscription::Subscription& subscription, Now now) override;
  void suppressed(subscription::Subscription& subscription) override;
  bool has_news(const subscription::Subscription& subscription) const override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  struct News;
  class Document;

  // publication::Package
  std::span<const std::string_view> content_types() const override { return body_types(); }
  std::uint32_t size_max() const override { return environment_.settings().elements_per_presentity; }
  publication::Reading read(Entry& user, std::string_view body, const Request& request) override;
  publication::Reading restore(std::string_view stored) override;
  void on_changed(Entry& user, Now now, std::optional<Time> published) override;
  // presence::Sink
  void on_state(presence::Watch&, Now) override {}
  void on_view(presence::Watch& watch, const presence::View& before, Now now) override;
  // presence::Watches::Observer
  void on_rules_applied(Entry& presentity, Now now) override;
  // presence::Calls
  bool is_on_the_phone(const Entry& user) const override;
  // calls::Lines::Observer
  void on_lines_changed(Entry& user, Now now) override;
  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  bool is_trusted(const Entry& user, std::string_view watcher) const;
  subscription::Permission permit(const Entry& user, std::string_view watcher,
                                  const presence::View& view) const;
  Sight sight_of(const Entry& user, std::string_view watcher, const presence::View& view) const;
  bool is_registered(const Entry& user) const;
  std::vector<DialogItem> gather_published(const Entry& user) const;
  std::vector<DialogItem> gather(const Entry& user) const;

  Environment& environment_;
  presence::Presentities& presentities_;
  presence::Watches& watches_;
  publication::Publications& publications_;
  const registrar::Registrar& registrar_;
  calls::Lines& lines_;
  Slot<ShownDialogs> slot_;
};

}  // namespace beckon::server::packages
