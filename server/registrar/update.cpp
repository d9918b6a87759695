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

Update::View Update::view(const std::vector<Binding>& before) const {
  View view;
  for (const Binding& binding : before) view.push_back(&binding);
  for (const Change& change : changes) {
    if (change.place == Change::nowhere) continue;
    if (change.place == view.size()) view.push_back(nullptr);
    view[change.place] = change.ends() ? nullptr : &change.binding;
  }
  view.erase(std::remove(view.begin(), view.end(), nullptr), view.end());
  return view;
}

void Update::apply_to(std::vector<Binding>& bindings) const {
  bool has_ended = false;
  for (const Change& change : changes) {
    if (change.place == Change::nowhere) continue;
    if (change.place == bindings.size()) bindings.emplace_back();
    bindings[change.place] = change.ends() ? Binding() : change.binding;
    has_ended |= change.ends();
  }
  if (has_ended) std::erase_if(bindings, [](const Binding& binding) { return binding.contact().empty(); });
}

namespace {

/// "<urn:uuid:...>" in quotes (RFC 5626 4.1), taken out of both.
std::string_view instance_of(const sip::NameAddr& contact) {
  std::string_view value = contact.parameter("+sip.instance").value_or(std::string_view{});
  if (value.starts_with('<') && value.ends_with('>')) value = value.substr(1, value.size() - 2);
  return value;
}

/// 0 where there is none, and without an instance (RFC 5626 6).
std::uint32_t reg_id_of(const sip::NameAddr& contact) {
  if (instance_of(contact).empty()) return 0;
  return parse_number<std::uint32_t>(contact.parameter("reg-id").value_or("")).value_or(0);
}

float q_of(const sip::NameAddr& contact) {
  const auto text = contact.parameter("q");
  if (!text) return 1;
  float value = 1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc{} && value >= 0 && value <= 1 ? value : 1;
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
  if (!a.instance().empty() && !b.instance().empty())
    return a.instance() == b.instance() && a.reg_id == b.reg_id;
  if (a.contact() == b.contact()) return true;
  auto one = sip::parse_uri(a.contact());
  auto other = sip::parse_uri(b.contact());
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
  for (const std::string_view not_its_own : {"expires", "pub-gruu", "temp-gruu"})
    if (contact.parameter(not_its_own)) parameters = sip::without_parameter(parameters, not_its_own);
  return parameters;
}

/// The work on one REGISTER.
class Work {
 public:
  Work(const sip::Message& request, const transaction::Hop& from, const std::vector<Binding>& current,
       const Settings& settings, Now now)
      : request_(request), from_(from), current_(current), settings_(settings), now_(now) {
    for (const Binding& binding : current) places_.push_back(&binding);
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
    return {.status = status, .warning = std::move(warning), .changes = {}};
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

  /// Same Call-ID and no higher CSeq: an older request that arrives late (RFC 3261 10.3 step 7).
  bool is_late(const Binding& binding) const {
    return binding.call_id() == request_.call_id() && cseq_ <= binding.cseq;
  }

  Update remove_all() {
    if (request_.expires() != 0U) return refuse(400);
    if (std::ranges::any_of(current_, [this](const Binding& b) { return is_late(b); })) return refuse(500);
    for (std::size_t place = 0; place < current_.size(); ++place) end(place, BindingEvent::unregistered);
    return std::move(update_);
  }

  int apply(const sip::NameAddr& contact) {
    if (!contact.uri.is_sip()) return 400;
    const std::uint32_t asked = asked_seconds(contact, request_, settings_);
    if (asked != 0 && asked < settings_.registration.minimum) return 423;
    Binding wanted = make(contact, std::min(asked, settings_.registration.maximum));
    std::size_t place = 0;
    while (place < places_.size() && !(places_[place] && same_binding(*places_[place], wanted))) ++place;
    if (place == places_.size()) {
      if (asked != 0) add(std::move(wanted));
      return 200;
    }
    if (is_late(*places_[place])) return 500;
    if (asked == 0) {
      end(place, BindingEvent::unregistered);
    } else {
      refresh(place, std::move(wanted));
    }
    return 200;
  }

  Binding make(const sip::NameAddr& contact, std::uint32_t seconds) {
    const std::string uri = sip::print(contact.uri), parameters = kept_parameters(contact),
                      path = joined_path(request_);
    Binding binding({.contact = uri,
                     .parameters = parameters,
                     .instance = instance_of(contact),
                     .path = path,
                     .call_id = request_.call_id(),
                     .user_agent = request_.header(HeaderId::user_agent)});
    binding.set_received(from_);
    binding.registered = now_.mono;
    binding.expires = now_.mono + std::chrono::seconds(seconds);
    binding.granted = seconds;
    binding.reg_id = outbound_ ? reg_id_of(contact) : 0;
    binding.cseq = cseq_;
    binding.q = q_of(contact);
    if (binding.reg_id != 0 && request_.lists(HeaderId::supported, "outbound")) update_.outbound = true;
    return binding;
  }

  void change(BindingEvent event, Binding binding, std::size_t place) {
    update_.changes.push_back({event, std::move(binding), place});
    // What stands before may have moved.
    for (const Change& each : update_.changes)
      if (each.place != Change::nowhere) places_[each.place] = each.ends() ? nullptr : &each.binding;
  }

  void end(std::size_t place, BindingEvent event) { change(event, *places_[place], place); }

  void add(Binding binding) {
    places_.push_back(nullptr);
    change(BindingEvent::created, std::move(binding), places_.size() - 1);
  }

  void refresh(std::size_t place, Binding wanted) {
    const Binding old = *places_[place];
    wanted.registered = old.registered;
    wanted.share_texts(old);
    // A device that comes back with another contact replaces its binding, and its record keeps one key.
    const bool renewed_key = !is_same_key(old, wanted);
    if (renewed_key) change(BindingEvent::unregistered, old, Change::nowhere);
    change(renewed_key ? BindingEvent::created : BindingEvent::refreshed, std::move(wanted), place);
  }

  static bool is_same_key(const Binding& a, const Binding& b) {
    if (a.instance() != b.instance()) return false;
    return a.instance().empty() ? a.contact() == b.contact() : a.reg_id == b.reg_id;
  }

  /// DESIGN 7: past the limit the oldest of the same instance, then the oldest, gives way.
  void make_room() {
    const auto count = [&] { return std::ranges::count_if(places_, [](const Binding* b) { return b; }); };
    while (count() > static_cast<std::ptrdiff_t>(settings_.bindings_per_aor)) {
      std::size_t last = places_.size() - 1;
      while (!places_[last]) --last;
      const std::string_view instance = places_[last]->instance();
      const auto rank = [&](std::size_t place) {
        const Binding& binding = *places_[place];
        return std::pair(instance.empty() || binding.instance() != instance, binding.registered);
      };
      std::size_t victim = Change::nowhere;
      for (std::size_t place = 0; place < last; ++place)
        if (places_[place] && (victim == Change::nowhere || rank(place) < rank(victim))) victim = place;
      end(victim, BindingEvent::deactivated);
    }
  }

  const sip::Message& request_;
  const transaction::Hop& from_;
  const std::vector<Binding>& current_;
  const Settings& settings_;
  Now now_;
  std::uint32_t cseq_ = 0;
  bool outbound_ = false;
  Update update_;
  Update::View places_;  ///< The bindings as changed so far; null: ended.
};

template <class Ends>
Update end_where(const std::vector<Binding>& current, BindingEvent event, Ends ends) {
  Update update;
  for (std::size_t place = 0; place < current.size(); ++place)
    if (ends(current[place])) update.changes.push_back({event, current[place], place});
  return update;
}

}  // namespace

Update apply_register(const sip::Message& request, const transaction::Hop& from,
                      const std::vector<Binding>& current, const Settings& settings, Now now) {
  return Work(request, from, current, settings, now).run();
}

Update apply_expiry(const std::vector<Binding>& current, Now now) {
  return end_where(current, BindingEvent::expired,
                   [&](const Binding& binding) { return binding.expires <= now.mono; });
}

Update apply_flow_closed(const std::vector<Binding>& current, transaction::FlowId flow) {
  return end_where(current, BindingEvent::deactivated,
                   [&](const Binding& binding) { return binding.flow() == flow; });
}

Update apply_grace_end(const std::vector<Binding>& current) {
  return end_where(current, BindingEvent::deactivated,
                   [](const Binding& binding) { return binding.suspended; });
}

}  // namespace beckon::server::registrar
