using CsCheck;
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

    [Fact]
    public void Engine_agrees_with_judge_on_programs_of_all_primitives() =>
        Agreement.Sample(Gen.Int[0, 1_000_000].Select(seed => RandomPrograms.Draw(seed)), 400, AgreesWithJudge);

    static (Likeness Likeness, Partition? Other) AgreesWithJudge(Model model)
    {
        var verdict = ScalarJudge.Judge(model);
        if (!verdict.IsMonotone) return (Likeness.RestsOnKink, null);
        var engine = SmallestInvariantSet.Find(model, new RefinementOptions { ByOrder = false }).Partition; // the judge knows no order
        if (engine is null) return (Likeness.DividesByZero, null); // in a part of the gradient that forward mode does not visit
        return (verdict.Partition.SameAs(engine) ? Likeness.Same : Likeness.Contradiction, engine);
    }
}
