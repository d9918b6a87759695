// All of Beast that is not a template, compiled once for the whole project.
#include <boost/beast/src.hpp>
