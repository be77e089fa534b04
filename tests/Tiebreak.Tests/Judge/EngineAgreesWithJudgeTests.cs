using Tiebreak.Formats;
using Tiebreak.Refinement;
using Xunit;

namespace Tiebreak.Tests.Judge;

/// <summary>The engine and the judge give one answer about every model: the same classes, signs, stuck parameters and first steps.</summary>
public sealed class EngineAgreesWithJudgeTests
{
    [Fact]
    public void Engine_agrees_with_judge_on_expressions() => Agreement.Sample(RandomModels.Scalars, 400, AgreesWithJudge);

    [Fact]
    public void Engine_agrees_with_judge_on_networks() => Agreement.Sample(RandomModels.Networks, 120, AgreesWithJudge);

    [Fact]
    public void Engine_agrees_with_judge_on_movements() => Agreement.Sample(RandomModels.Movements, 150, AgreesWithJudge);

    static (Likeness Likeness, Partition? Other) AgreesWithJudge(Model model)
    {
        var verdict = ScalarJudge.Judge(model);
        if (!verdict.IsMonotone) return (Likeness.RestsOnKink, null);
        var engine = Engine(model);
        return (verdict.Partition.SameAs(engine) ? Likeness.Same : Likeness.Contradiction, engine);
    }

    static Partition Engine(Model model) => SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!;
}
