<?php
// Signs a request for Tidegate, scheme v1. PHP 8 or newer, nothing to install.
//
//   php sign.php POST /api/v1/orders order.json | curl -H @- --data-binary @order.json URL
//
// Key and secret come from TIDEGATE_KEY and TIDEGATE_SECRET.
declare(strict_types=1);

/** Headers for one request. $target is path and query exactly as sent; $body is what is sent. */
function sign(
    string $key,
    string $secret,
    string $method,
    string $target,
    string $body = '',
    ?string $timestamp = null,
    ?string $nonce = null,
): array {
    $timestamp ??= (string) time();
    $nonce ??= bin2hex(random_bytes(16));
    [$path, $query] = explode('?', $target, 2) + [1 => ''];
    $text = implode("\n", ['v1', $timestamp, $nonce, $method, $path, $query, hash('sha256', $body)]);
    $headers = [
        'X-API-Key' => $key,
        'X-Timestamp' => $timestamp,
        'X-API-Signature' => 'v1=' . hash_hmac('sha256', $text, $secret),
    ];
    if ($nonce !== '') {
        $headers['X-Nonce'] = $nonce;
    }
    return $headers;
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    [, $method, $target] = $argv;
    $set = fn (string $name): ?string => getenv($name) === false ? null : getenv($name);
    $headers = sign(
        getenv('TIDEGATE_KEY'),
        getenv('TIDEGATE_SECRET'),
        $method,
        $target,
        isset($argv[3]) ? file_get_contents($argv[3]) : '',
        $set('TIDEGATE_TIMESTAMP'), // set in tests only, as is the nonce
        $set('TIDEGATE_NONCE'),
    );
    foreach ($headers as $name => $value) {
        echo "$name: $value\n";
    }
}
