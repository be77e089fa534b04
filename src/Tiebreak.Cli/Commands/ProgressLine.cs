using System.Diagnostics;

namespace Tiebreak.Cli.Commands;

/// <summary>One line on the terminal that says how far a long check is; gone when it is over.</summary>
sealed class ProgressLine : IProgress<CheckProgress>, IDisposable
{
    const string ClearLine = "\r\e[K";
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    readonly TextWriter _error;
    readonly Lock _lock = new();
    readonly long _started = Stopwatch.GetTimestamp();
    long _shown;
    bool _isOver;

    ProgressLine(TextWriter error) => _error = error;

    /// <summary>A line if there is a terminal to show it, else null.</summary>
    public static ProgressLine? For(Surroundings surroundings, bool quiet) => surroundings.IsErrorTerminal && !quiet ? new ProgressLine(surroundings.Error) : null;

    /// <summary>Shows a step, unless the check is young or the last step was shown just now.</summary>
    public void Report(CheckProgress value)
    {
        lock (_lock)
        {
            if (_isOver || Stopwatch.GetElapsedTime(_started) < Patience || (_shown != 0 && Stopwatch.GetElapsedTime(_shown) < Pause)) return;
            _shown = Stopwatch.GetTimestamp();
            _error.Write($"{ClearLine}{value.Stage}{(value.Share is { } share ? $" {share * 100:0} %" : "")}");
            _error.Flush();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            if (_shown != 0) _error.Write(ClearLine);
        }
    }
}
