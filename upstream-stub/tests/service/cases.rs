//! The table of requests and answers, on the sample rows as `seed` writes them.

use serde_json::{Value, json};

/// Method, target, body, status, and what stands where in the answer.
pub(crate) type Case = (
    &'static str,
    &'static str,
    Value,
    u16,
    Vec<(&'static str, Value)>,
);

fn errors(places: &[(&str, &str)]) -> Value {
    places
        .iter()
        .map(|(place, message)| {
            let kind = if place.starts_with('/') || place.is_empty() {
                "pointer"
            } else {
                "parameter"
            };
            json!({kind: place, "message": message})
        })
        .collect()
}

pub(crate) fn cases() -> Vec<Case> {
    let none = Value::Null;
    let (code, reason, list) = (
        "/error/code",
        "/error/details/reason",
        "/error/details/errors",
    );
    let invalid = |places: &[(&str, &str)]| {
        vec![
            (code, json!("VALIDATION_ERROR")),
            (reason, json!("invalid_request")),
            (list, errors(places)),
        ]
    };
    let missing = || {
        vec![
            (code, json!("NOT_FOUND")),
            (reason, json!("no_such_resource")),
        ]
    };
    let order = |items: Value| json!({"customerId": "cust_123", "items": items});
    vec![
        (
            "GET",
            "/api/health",
            none.clone(),
            200,
            vec![("/data/status", json!("ok"))],
        ),
        (
            "GET",
            "/api/v1/orders/order_789",
            none.clone(),
            200,
            vec![
                ("/data/id", json!("order_789")),
                ("/data/customerId", json!("cust_123")),
                ("/data/status", json!("pending")),
                ("/data/total", json!("59.98")),
                ("/data/currency", json!("USD")),
                (
                    "/data/items",
                    json!([{"productId": "prod_456", "quantity": 2, "price": "29.99"}]),
                ),
                ("/data/shippingAddress/city", json!("New York")),
                ("/data/createdAt", json!("2026-01-07T04:00:00Z")),
                ("/data/cancelledAt", none.clone()),
            ],
        ),
        (
            "GET",
            "/api/v1/products/prod_456",
            none.clone(),
            200,
            vec![
                ("/data/price", json!("29.99")),
                ("/data/sku", json!("SKU-456")),
                ("/data/status", json!("active")),
            ],
        ),
        (
            "GET",
            "/api/v1/orders",
            none.clone(),
            200,
            vec![
                (
                    "/pagination",
                    json!({"page": 1, "perPage": 20, "total": 120, "totalPages": 6}),
                ),
                ("/links/prev", none.clone()),
                ("/links/next", json!("/api/v1/orders?page=2&perPage=20")),
                ("/data/0/id", json!("order_820")),
                ("/data/19/id", json!("order_801")),
                ("/data/20", none.clone()),
            ],
        ),
        (
            "GET",
            "/api/v1/orders?page%5Bnumber%5D=3&page[size]=50&status=pending,shipped",
            none.clone(),
            200,
            vec![
                (
                    "/pagination",
                    json!({"page": 3, "perPage": 50, "total": 49, "totalPages": 1}),
                ),
                ("/data", json!([])),
                (
                    "/links/last",
                    json!("/api/v1/orders?status=pending,shipped&page=1&perPage=50"),
                ),
                (
                    "/links/prev",
                    json!("/api/v1/orders?status=pending,shipped&page=1&perPage=50"),
                ),
            ],
        ),
        (
            "GET",
            "/api/v1/orders?customerId=cust_123&sort=total&order=asc&fields=id,total&perPage=1",
            none.clone(),
            200,
            vec![("/data", json!([{"id": "order_789", "total": "59.98"}]))],
        ),
        (
            "GET",
            "/api/v1/orders?createdAfter=2026-01-07&createdBefore=2026-01-07T02:00:00Z",
            none.clone(),
            200,
            vec![
                ("/data/0/id", json!("order_786")),
                ("/pagination/total", json!(2)),
            ],
        ),
        (
            "GET",
            "/api/v1/orders?totalMin=59.98&totalMax=59.98&fields=id",
            none.clone(),
            200,
            vec![("/data", json!([{"id": "order_789"}]))],
        ),
        (
            "GET",
            "/api/v1/products?category=books&priceMin=10&priceMax=20.50&sort=price,name&order=desc,asc",
            none.clone(),
            200,
            vec![("/data/0/category", json!("books"))],
        ),
        (
            "GET",
            "/api/v1/products?search=WATERING+can",
            none.clone(),
            200,
            vec![
                ("/pagination/total", json!(5)),
                ("/data/0/name", json!("Classic Watering Can")),
            ],
        ),
        (
            "GET",
            "/api/v1/products?search=100%25",
            none.clone(),
            200,
            vec![("/pagination/total", json!(0))],
        ),
        // Parameters.
        (
            "GET",
            "/api/v1/orders?page=0&perPage=101&colour=red&status=open",
            none.clone(),
            400,
            invalid(&[
                ("page", "must be a whole number from 1 to 100000"),
                ("perPage", "must be a whole number from 1 to 100"),
                (
                    "status",
                    "must be one or more of pending, processing, shipped, delivered, cancelled",
                ),
                ("colour", "is unknown here"),
            ]),
        ),
        (
            "GET",
            "/api/v1/orders/order_789?x=1",
            none.clone(),
            400,
            vec![("/error/message", json!("the parameter x is unknown here"))],
        ),
        (
            "POST",
            "/api/v1/orders?x=1",
            order(json!([])),
            400,
            invalid(&[("x", "is unknown here")]),
        ),
        (
            "GET",
            "/api/v1/products?fields=id,secret",
            none.clone(),
            400,
            vec![(
                list,
                errors(&[(
                    "fields",
                    "must be one or more of id, sku, name, description, category, price, currency, status, createdAt, updatedAt",
                )]),
            )],
        ),
        (
            "GET",
            "/api/v1/products?category=%00",
            none.clone(),
            400,
            vec![(reason, json!("invalid_request"))],
        ),
        (
            "GET",
            "/api/v1/products?search=%zz",
            none.clone(),
            400,
            invalid(&[("search", "has an escape that is none, or no UTF-8")]),
        ),
        // Addresses.
        (
            "GET",
            "/api/v1/orders/order_000",
            none.clone(),
            404,
            missing(),
        ),
        ("GET", "/api/v1/orders/789", none.clone(), 404, missing()),
        (
            "GET",
            "/api/v1/orders/order_%00",
            none.clone(),
            404,
            missing(),
        ),
        ("GET", "/api/v1/orders/%ff", none.clone(), 404, missing()),
        (
            "GET",
            "/api/v1/products/order_789",
            none.clone(),
            404,
            missing(),
        ),
        (
            "PATCH",
            "/api/v1/products/prod_000",
            json!({}),
            404,
            missing(),
        ),
        (
            "PATCH",
            "/api/v1/orders/order_000",
            json!({}),
            404,
            missing(),
        ),
        (
            "PATCH",
            "/api/v1/orders/order_000/status",
            json!({"status": "shipped"}),
            404,
            missing(),
        ),
        (
            "DELETE",
            "/api/v1/products/prod_000",
            none.clone(),
            404,
            missing(),
        ),
        (
            "DELETE",
            "/api/v1/orders/order_000",
            none.clone(),
            404,
            missing(),
        ),
        (
            "GET",
            "/api/v1/order",
            none.clone(),
            404,
            vec![(reason, json!("no_route"))],
        ),
        ("GET", "/api/v1/orders/", none.clone(), 404, vec![]),
        (
            "GET",
            "/faults/echo",
            none.clone(),
            404,
            vec![(reason, json!("no_route"))],
        ),
        // Bodies: every mistake at once.
        (
            "POST",
            "/api/v1/orders",
            json!({"items": [{"productId": "x", "quantity": 0, "gift": true}, 7],
            "shippingAddress": {"street": "", "city": "A"}, "note": 5, "total": "0.01"}),
            400,
            invalid(&[
                ("/total", "is unknown here"),
                ("/customerId", "is missing"),
                ("/items/0/gift", "is unknown here"),
                ("/items/0/productId", "must be an id that begins with prod_"),
                (
                    "/items/0/quantity",
                    "must be a whole number from 1 to 10000",
                ),
                ("/items/1", "must be an object"),
                ("/shippingAddress/street", "must have 1 to 255 characters"),
                ("/shippingAddress/zip", "is missing"),
                ("/note", "must be a text of 0 to 1000 characters"),
            ]),
        ),
        (
            "POST",
            "/api/v1/orders",
            json!({"customerId": "cust_999", "items": [
            {"productId": "prod_999", "quantity": 1},
            {"productId": "prod_456", "quantity": 1, "price": "0.01"}]}),
            400,
            invalid(&[
                ("/customerId", "names no customer"),
                ("/items/0/productId", "names no product"),
                ("/items/1/price", "is not the product's price, 29.99"),
            ]),
        ),
        (
            "POST",
            "/api/v1/orders",
            order(json!([])),
            400,
            invalid(&[("/items", "must be a list of 1 to 100 items")]),
        ),
        (
            "POST",
            "/api/v1/orders",
            order(vec![json!({"productId": "prod_456", "quantity": 1}); 101].into()),
            400,
            invalid(&[("/items", "must be a list of 1 to 100 items")]),
        ),
        (
            "POST",
            "/api/v1/orders",
            json!([]),
            400,
            vec![("/error/message", json!("the body must be an object"))],
        ),
        (
            "POST",
            "/api/v1/orders",
            json!({"customerId": "cust_123", "items": vec![json!({}); 100]}),
            400,
            vec![
                (
                    "/error/details/errors/49/pointer",
                    json!("/items/24/quantity"),
                ),
                ("/error/details/errors/50", none.clone()),
            ],
        ),
        (
            "PATCH",
            "/api/v1/orders/order_789/status",
            json!({"status": "lost"}),
            400,
            invalid(&[(
                "/status",
                "must be one of pending, processing, shipped, delivered, cancelled",
            )]),
        ),
        (
            "PATCH",
            "/api/v1/orders/order_789/status",
            json!({}),
            400,
            invalid(&[("/status", "is missing")]),
        ),
        (
            "PUT",
            "/api/v1/products/prod_456",
            json!({"name": "A"}),
            400,
            invalid(&[
                ("/sku", "is missing"),
                ("/category", "is missing"),
                ("/price", "is missing"),
            ]),
        ),
        (
            "POST",
            "/api/v1/products",
            json!({"sku": "S", "name": "a\u{0}b", "category": " ", "price": 1.001,
            "currency": "usd", "status": "gone"}),
            400,
            invalid(&[
                ("/name", "must have no control characters"),
                ("/category", "must not be blank"),
                (
                    "/price",
                    "must be an amount such as \"29.99\", at most 999999999.99",
                ),
                ("/currency", "must be 3 upper-case letters"),
                ("/status", "must be one of active, archived"),
            ]),
        ),
        (
            "DELETE",
            "/api/v1/orders/order_789",
            json!({}),
            400,
            vec![(reason, json!("unexpected_body"))],
        ),
        // States.
        (
            "POST",
            "/api/v1/products",
            json!({"sku": "SKU-456", "name": "A", "category": "b", "price": "1"}),
            409,
            vec![
                (code, json!("CONFLICT")),
                (reason, json!("sku_taken")),
                ("/error/details/pointer", json!("/sku")),
            ],
        ),
        (
            "PATCH",
            "/api/v1/products/prod_456",
            json!({"sku": "SKU-455"}),
            409,
            vec![(reason, json!("sku_taken"))],
        ),
        (
            "PATCH",
            "/api/v1/orders/order_703",
            json!({"note": "x"}),
            409,
            vec![
                (reason, json!("order_not_pending")),
                ("/error/details/status", json!("shipped")),
            ],
        ),
        (
            "DELETE",
            "/api/v1/orders/order_703",
            none.clone(),
            409,
            vec![(reason, json!("status_conflict"))],
        ),
        (
            "DELETE",
            "/api/v1/orders/order_705",
            none,
            200,
            vec![
                ("/data/status", json!("cancelled")),
                ("/data/updatedAt", json!("2026-01-03T16:00:00Z")),
            ],
        ),
    ]
}
