#include "server/registrar/update.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/base/text.hpp"

namespace beckon::server::registrar {

using sip::HeaderId;

bool Change::ends() const {
  return event == BindingEvent::expired || event == BindingEvent::deactivated ||
         event == BindingEvent::unregistered || event == BindingEvent::rejected;
}

namespace {

/// "<urn:uuid:...>" in quotes (RFC 5626 4.1), taken out of both.
std::string instance_of(const sip::NameAddr& contact) {
  std::string_view value = contact.parameter("+sip.instance").value_or(std::string_view{});
  if (value.starts_with('<') && value.ends_with('>')) value = value.substr(1, value.size() - 2);
  return std::string(value);
}

/// 0 where there is none, and without an instance (RFC 5626 6).
std::uint32_t reg_id_of(const sip::NameAddr& contact) {
  if (instance_of(contact).empty()) return 0;
  return parse_number<std::uint32_t>(contact.parameter("reg-id").value_or("")).value_or(0);
}

double q_of(const sip::NameAddr& contact) {
  const std::string_view text = contact.parameter("q").value_or("1");
  double value = 1.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && value >= 0 && value <= 1 ? value : 1.0;
}

std::string joined_path(const sip::Message& request) {
  std::string path;
  for (const std::string_view value : request.values(HeaderId::path)) {
    if (!path.empty()) path += ", ";
    path += value;
  }
  return path;
}

/// Seconds asked for one contact (RFC 3261 10.2.1.1).
std::uint32_t asked_seconds(const sip::NameAddr& contact, const sip::Message& request,
                            const Settings& settings) {
  const auto own = contact.parameter("expires");
  const auto seconds = own ? parse_number<std::uint32_t>(*own) : request.expires();
  return seconds.value_or(settings.registration.standard);
}

bool same_binding(const Binding& a, const Binding& b) {
  if (!a.instance.empty() && !b.instance.empty()) return a.instance == b.instance && a.reg_id == b.reg_id;
  auto one = sip::parse_uri(a.contact);
  auto other = sip::parse_uri(b.contact);
  if (!one || !other) return false;
  // RFC 5630 5.1.1.1: SIP and SIPS of the same contact replace each other.
  for (auto* uri : {&*one, &*other})
    if (uri->is_sip()) uri->scheme = "sip";
  return sip::equivalent(*one, *other);
}

/// What a 200 repeats of a Contact's parameters. "A UA cannot suggest or otherwise provide a public GRUU to
/// the registrar", nor a temporary one (RFC 5627 5.1).
std::string kept_parameters(const sip::NameAddr& contact) {
  std::string parameters = contact.parameters;
  for (const std::string_view not_his : {"expires", "pub-gruu", "temp-gruu"})
    parameters = sip::without_parameter(parameters, not_his);
  return parameters;
}

/// The work on one REGISTER.
class Work {
 public:
  Work(const sip::Message& request, const transaction::Hop& from, std::vector<Binding> current,
       const Settings& settings, Now now)
      : request_(request), from_(from), settings_(settings), now_(now) {
    update_.bindings = std::move(current);
  }

  Update run() {
    const auto contacts = request_.contacts();
    const auto cseq = request_.cseq();
    if (!contacts || !cseq) return refuse(400);
    cseq_ = cseq->number;
    if (std::ranges::any_of(*contacts, [](const auto& contact) { return contact.uri.scheme == "*"; })) {
      return contacts->size() == 1 ? remove_all() : refuse(400);
    }
    outbound_ = can_be_outbound();
    const bool numbered =
        std::ranges::any_of(*contacts, [](const auto& contact) { return reg_id_of(contact) != 0; });
    // RFC 5626 6.
    if (numbered && !outbound_ && request_.lists(HeaderId::supported, "outbound")) return refuse(439);
    if (numbered && outbound_ && contacts->size() > 1 &&
        std::ranges::count_if(*contacts, [&](const auto& contact) {
          return asked_seconds(contact, request_, settings_) != 0;
        }) > 1) {
      return refuse(400, "one contact for one flow");
    }
    if (is_sips_mixed(*contacts)) return refuse(400, "a SIPS contact needs SIPS in Request-URI and Path");
    if (contacts->size() > settings_.bindings_per_aor) {
      return refuse(403, "too many contacts in one request");
    }
    for (const auto& contact : *contacts) {
      if (const int status = apply(contact); status != 200) return refuse(status);
    }
    make_room();
    return std::move(update_);
  }

 private:
  Update refuse(int status, std::string warning = {}) {
    return {.status = status, .warning = std::move(warning), .bindings = {}, .changes = {}};
  }

  /// RFC 5626 6: we are the first hop, or the first hop says with "ob" that it keeps the flow.
  bool can_be_outbound() const {
    if (request_.values(HeaderId::via).size() <= 1) return true;
    const auto paths = request_.values(HeaderId::path);
    if (paths.empty()) return false;
    const auto first = sip::parse_name_addr(paths.back());
    return first && first->uri.parameter("ob");
  }

  /// RFC 5630 5.2: a SIPS contact is bound only when nothing on the way to it is less.
  bool is_sips_mixed(const std::vector<sip::NameAddr>& contacts) const {
    const auto is_sips = [](const sip::NameAddr& each) { return each.uri.scheme == "sips"; };
    if (std::ranges::none_of(contacts, is_sips)) return false;
    const auto target = request_.request_uri();
    if (!target || target->scheme != "sips" || !std::ranges::all_of(contacts, is_sips)) return true;
    return std::ranges::any_of(request_.values(HeaderId::path), [&](std::string_view value) {
      const auto path = sip::parse_name_addr(value);
      return !path || !is_sips(*path);
    });
  }

  /// Same Call-ID and no higher CSeq: an older request that came late (RFC 3261 10.3 step 7).
  bool is_late(const Binding& binding) const {
    return binding.call_id == request_.call_id() && cseq_ <= binding.cseq;
  }

  Update remove_all() {
    if (request_.expires() != 0U) return refuse(400);
    if (std::ranges::any_of(update_.bindings, [this](const Binding& b) { return is_late(b); }))
      return refuse(500);
    for (Binding& binding : update_.bindings) {
      update_.changes.push_back({BindingEvent::unregistered, std::move(binding)});
    }
    update_.bindings.clear();
    return std::move(update_);
  }

  int apply(const sip::NameAddr& contact) {
    if (!contact.uri.is_sip()) return 400;
    const std::uint32_t asked = asked_seconds(contact, request_, settings_);
    if (asked != 0 && asked < settings_.registration.minimum) return 423;
    Binding wanted = make(contact, std::min(asked, settings_.registration.maximum));
    const auto found = std::ranges::find_if(
        update_.bindings, [&](const Binding& binding) { return same_binding(binding, wanted); });
    if (found == update_.bindings.end()) {
      if (asked != 0) add(std::move(wanted));
      return 200;
    }
    if (is_late(*found)) return 500;
    if (asked == 0) {
      update_.changes.push_back({BindingEvent::unregistered, std::move(*found)});
      update_.bindings.erase(found);
      return 200;
    }
    refresh(*found, std::move(wanted));
    return 200;
  }

  Binding make(const sip::NameAddr& contact, std::uint32_t seconds) {
    Binding binding{
        .contact = sip::print(contact.uri),
        .parameters = kept_parameters(contact),
        .instance = instance_of(contact),
        .reg_id = outbound_ ? reg_id_of(contact) : 0,
        .q = q_of(contact),
        .path = joined_path(request_),
        .call_id = std::string(request_.call_id()),
        .cseq = cseq_,
        .user_agent = std::string(request_.header(HeaderId::user_agent)),
        .received = from_,
        .registered = now_.mono,
        .expires = now_.mono + std::chrono::seconds(seconds),
        .registered_wall = now_.wall,
    };
    if (binding.reg_id != 0 && request_.lists(HeaderId::supported, "outbound")) update_.outbound = true;
    return binding;
  }

  void add(Binding binding) {
    update_.changes.push_back({BindingEvent::created, binding});
    update_.bindings.push_back(std::move(binding));
  }

  void refresh(Binding& old, Binding wanted) {
    // A device that comes back with another contact replaces its binding, and its record keeps one key.
    const bool renewed_key = key_of(old) != key_of(wanted);
    if (renewed_key) update_.changes.push_back({BindingEvent::unregistered, old});
    wanted.registered = old.registered;
    wanted.registered_wall = old.registered_wall;
    old = std::move(wanted);
    update_.changes.push_back({renewed_key ? BindingEvent::created : BindingEvent::refreshed, old});
  }

  /// DESIGN 7: past the limit the oldest of the same instance, then the oldest, gives way.
  void make_room() {
    while (update_.bindings.size() > settings_.bindings_per_aor) {
      const std::string instance = update_.bindings.back().instance;
      auto victim = std::ranges::min_element(update_.bindings, {}, [&](const Binding& binding) {
        const bool other = instance.empty() || binding.instance != instance;
        return std::pair(other, binding.registered);
      });
      if (victim == std::prev(update_.bindings.end())) {
        victim = std::min_element(update_.bindings.begin(), victim, [](const Binding& a, const Binding& b) {
          return a.registered < b.registered;
        });
      }
      update_.changes.push_back({BindingEvent::deactivated, std::move(*victim)});
      update_.bindings.erase(victim);
    }
  }

  const sip::Message& request_;
  const transaction::Hop& from_;
  const Settings& settings_;
  Now now_;
  std::uint32_t cseq_ = 0;
  bool outbound_ = false;
  Update update_;
};

template <class Ends>
Update end_where(std::vector<Binding> current, BindingEvent event, Ends ends) {
  Update update;
  for (Binding& binding : current) {
    if (ends(binding)) {
      update.changes.push_back({event, std::move(binding)});
    } else {
      update.bindings.push_back(std::move(binding));
    }
  }
  return update;
}

}  // namespace

Update apply_register(const sip::Message& request, const transaction::Hop& from, std::vector<Binding> current,
                      const Settings& settings, Now now) {
  return Work(request, from, std::move(current), settings, now).run();
}

Update apply_expiry(std::vector<Binding> current, Now now) {
  return end_where(std::move(current), BindingEvent::expired,
                   [&](const Binding& binding) { return binding.expires <= now.mono; });
}

Update apply_flow_closed(std::vector<Binding> current, transaction::FlowId flow) {
  return end_where(std::move(current), BindingEvent::deactivated, [&](const Binding& binding) {
    return flow == 0 ? binding.suspended : binding.received.flow == flow;
  });
}

}  // namespace beckon::server::registrar
