(() => {
"use strict";
{% include "scripts/data.js" %}
{% include "scripts/waterfall.js" %}
{% include "scripts/ledger.js" %}
})();
