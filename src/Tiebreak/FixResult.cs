using Tiebreak.Repairs;

namespace Tiebreak;

/// <summary>What was repaired, what was not and why, and what that did to the function.</summary>
public sealed record FixResult
{
    /// <summary>The model, as the user gave it.</summary>
    public required string Path { get; init; }

    /// <summary>The new model.</summary>
    public required string Output { get; init; }

    /// <summary>The options in force.</summary>
    public required FixOptions Options { get; init; }

    /// <summary>The check of the model.</summary>
    public required CheckResult Before { get; init; }

    /// <summary>The check of the new one, as it was read back from its file.</summary>
    public required CheckResult After { get; init; }

    /// <summary>What was changed, tensor by tensor; empty if there was nothing to repair, or nothing could be: then the new model is a copy.</summary>
    public IReadOnlyList<TensorRepair> Repairs { get; init; } = [];

    /// <summary>How far the function at the start has changed.</summary>
    public required FunctionChange Function { get; init; }

    /// <summary>What is still there, and why.</summary>
    public IReadOnlyList<Unrepaired> Unrepaired { get; init; } = [];

    /// <summary>Sentences about choices that were made.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
