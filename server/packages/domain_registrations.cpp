#include "server/packages/domain_registrations.hpp"

#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/packages/registered_contact.hpp"

namespace beckon::server::packages {

using registrar::BindingEvent;

DomainRegistrations::DomainRegistrations(Environment& environment, Peers& peers,
                                         registrar::Registrar& registrar,
                                         std::shared_ptr<Followers> followers)
    : environment_(environment), peers_(peers), followers_(std::move(followers)) {
  registrar.observe(*this);
}

bool DomainRegistrations::is_domain(const Entry& resource) const {
  const std::string_view aor = resource.aor();
  return aor.find('@') == std::string_view::npos && aor.starts_with("sip:") &&
         environment_.settings().serves(aor.substr(4));
}

void DomainRegistrations::on_bindings_changed(Entry& user, BindingEvent event,
                                              const registrar::Binding& changed,
                                              const std::vector<registrar::Binding>& all, Now now) {
  if (followers_->load(std::memory_order_relaxed) == 0) return;
  if (event == BindingEvent::refreshed || event == BindingEvent::shortened) return;
  using State = documents::RegistrationState;
  DomainNews news{
      .domain = "sip:" + std::string(domain_of_aor(user.aor())),
      .registration = {
          .aor = user.aor(), .id = user.aor(), .state = all.empty() ? State::terminated : State::active}};
  documents::RegisteredContact contact = contact_of(changed, event, now);
  if (changed.epoch != 0) contact.public_gruu = public_gruu(user.aor(), changed.instance());
  news.registration.contacts.push_back(std::move(contact));
  const Bucket at = bucket_of(news.domain);
  if (!peers_.post<DomainRegistrations>(at, std::move(news)))
    log::debug("packages", "{}: a registration is not reported to followers of the domain: too much waits",
               user.aor());
}

void DomainRegistrations::on(DomainNews news, Bucket, Now now) {
  const EntryPtr domain = environment_.directory().find(news.domain);
  if (domain && on_news_) on_news_(*domain, news.registration, now);
}

}  // namespace beckon::server::packages
