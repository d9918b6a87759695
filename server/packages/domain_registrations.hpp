#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/documents/reginfo.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::packages {

/// A contact of a user that changed, on its way to the bucket of the user's domain.
struct DomainNews {
  std::string domain;                    ///< "sip:example.org"
  documents::Registration registration;  ///< The user's, with that contact.
};

/// Brings what happens to the bindings of all users to the bucket of their domain, while somebody follows the
/// domain: a welcome service does not subscribe to each of 100 000 users (RFC 3680 3.3, 4.7.2). Refreshes are
/// no news of a domain.
class DomainRegistrations final : public Room, private registrar::BindingsObserver {
 public:
  /// Subscriptions to domains, of all shards.
  using Followers = std::atomic<std::uint32_t>;
  using OnNews = std::function<void(Entry& domain, const documents::Registration& registration, Now now)>;

  /// All outlive it. Observes the registrar.
  DomainRegistrations(Environment& environment, Peers& peers, registrar::Registrar& registrar,
                      std::shared_ptr<Followers> followers);

  /// A domain that this server serves: its entry has its name alone, "sip:example.org".
  bool is_domain(const Entry& resource) const;
  void set_on_news(OnNews on_news) { on_news_ = std::move(on_news); }
  void begin() { ++*followers_; }
  void end() { --*followers_; }

  void on(DomainNews news, Bucket at, Now now);

 private:
  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  Environment& environment_;
  Peers& peers_;
  std::shared_ptr<Followers> followers_;
  OnNews on_news_;
};

}  // namespace beckon::server::packages
