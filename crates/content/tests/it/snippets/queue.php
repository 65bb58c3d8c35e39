<?php

namespace App\Queue;

use App\Models\{Job, Worker as Hand};
use Psr\Log\LoggerInterface;

define('QUEUE_LIMIT', 3);
const RETRIES = 5;

interface Store extends Countable
{
    public function put(Job $job): void;
}

enum State: string
{
    case Queued = 'queued';
    case Done = 'done';
}

abstract class Queue extends \App\Base implements Store
{
    use Notifies;

    public const LIMIT = 10;
    private static array $jobs = [], $claimed = [];

    public function __construct(private LoggerInterface $logger)
    {
        $local = new Job();
    }

    /** Takes the first job. */
    public static function &claim(int $id): ?Job
    {
        $first = array_filter(self::$jobs, function ($job) use ($id) {
            return $job->fits($id);
        });
        return Hand::take($first)?->open();
    }
}

trait Notifies
{
    abstract protected function notify();
}

namespace App\Tools;

function helper(string $name)
{
    return strtolower($name);
}
?>
<p>end</p>
