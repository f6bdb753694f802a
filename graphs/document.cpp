#include "graphs/document.h"
